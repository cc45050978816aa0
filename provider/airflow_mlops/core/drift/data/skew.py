"""Detection of skew between training and serving data.

It uses the profiles and checks of drift on two datasets of the same period, so a difference indicates a pipeline fault.
The contract defines permitted differences: columns that are absent when serving, such as the label.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from airflow_mlops.common.report import Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.profiles.model import Profile
from airflow_mlops.core.drift.data.data_drift import check_drift
from airflow_mlops.core.drift.data.drift_policy import DriftPolicy


def check_skew(
    training: Profile,
    serving: Profile,
    contract: Contract | Mapping[str, Any] | str | PathLike[str],
    *,
    environment: str = "serving",
    policy: DriftPolicy | Mapping[str, Any] | str | PathLike[str] | None = None,
    subject: str = "",
) -> Report:
    """Check serving data for skew against training data.

    :param training: the profile of the training rows.
    :param serving: the profile of the scored rows, made with ``like=training``.
    :param contract: the contract of both.
    :param environment: its environment for the serving data; columns that are absent there are skipped.
    :param policy: the drift policy to apply.
    :param subject: the subject of the report.
    :return: a report of the kind ``skew``, with one check per column as for drift.
    :raises BadInput: when the contract has no such environment, or the profiles count over different cells.
    """
    rules = Contract.load(contract).for_environment(environment)
    policy = DriftPolicy.load({} if policy is None else policy)
    absent = [name for name in rules.columns if rules.role(name) in ("ignore", "key") and name in training.columns]
    policy = policy.model_copy(update={"ignore": tuple(dict.fromkeys([*policy.ignore, *absent]))})
    return check_drift(training, serving, policy, subject=subject or f"{rules.name} as {environment}", kind="skew")
