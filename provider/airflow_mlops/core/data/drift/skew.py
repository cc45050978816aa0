"""Skew: does the data that is scored look like the data that the model was trained on?

The same profiles and the same judgement as for drift, of two datasets of the same time: what differs is not the world
but a pipeline. The contract says what may differ: columns that are not there when serving, such as the label.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.drift.judge import check_drift
from airflow_mlops.core.data.drift.policy import DriftPolicy
from airflow_mlops.core.data.profiles.model import Profile
from airflow_mlops.core.report import Report


def check_skew(
    training: Profile,
    serving: Profile,
    contract: Contract | Mapping[str, Any] | str | PathLike[str],
    *,
    environment: str = "serving",
    policy: DriftPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    subject: str = "",
) -> Report:
    """Judge whether serving data is skewed against training data.

    :param training: the profile of the training rows.
    :param serving: the profile of the rows that are scored, made with ``like=training``.
    :param contract: the contract of both.
    :param environment: its environment for the serving data; columns that it leaves out there are not judged.
    :param policy: how much is skew, as for drift.
    :param subject: what was judged.
    :return: a report of the kind ``skew``, with one check a column as for drift.
    :raises BadInput: when the contract has no such environment, or the profiles count over different cells.
    """
    rules = Contract.load(contract).for_environment(environment)
    policy = DriftPolicy.load({} if policy is None else policy)
    absent = [name for name in rules.columns if rules.role(name) in ("ignore", "key") and name in training.columns]
    ignoring = policy.model_copy(update={"ignore": tuple(dict.fromkeys([*policy.ignore, *absent]))})
    return check_drift(training, serving, ignoring, subject=subject or f"{rules.name} as {environment}", kind="skew")
