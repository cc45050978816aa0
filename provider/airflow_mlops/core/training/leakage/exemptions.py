"""Exemptions: findings that a team has accepted as no leakage, each with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from airflow_mlops.common.report import Check
from airflow_mlops.common.settings import Settings

LeakageCheckName = Literal[
    "overlapping rows",
    "overlapping groups",
    "identical rows",
    "temporal order",
    "rows after the cut-off",
    "labels after the cut-off",
    "label availability",
    "target proxy",
    "derived target",
]


class LeakageExemption(Settings):
    """An exemption: an accepted finding, which stays in the report with severity ``info``.

    :param check: the check's name in the report.
    :param where: the column, or columns, that the check names; default: all findings of the check.
    :param reason: why it is not leakage.
    """

    check: LeakageCheckName
    where: str | None = None
    reason: str = Field(min_length=1, max_length=200)


def apply_exemptions(check: Check, exemptions: Sequence[LeakageExemption]) -> Check:
    """Return the check, with severity ``info`` when an exemption matches it."""
    for entry in exemptions:
        if entry.check == check.name and entry.where in (None, check.where) and check.status != "pass":
            return replace(check, severity="info", message=f"{check.message} (ignored: {entry.reason})".strip())
    return check
