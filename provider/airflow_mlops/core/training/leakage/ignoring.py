"""What a team knows to be no leak, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from airflow_mlops.core.report import Check
from airflow_mlops.core.settings import Settings

Name = Literal[
    "rows in two parts",
    "groups in two parts",
    "identical rows",
    "order of time",
    "rows after the cut-off",
    "labels after the cut-off",
    "labels known in time",
    "tells the target",
    "adds up to the target",
]


class Ignored(Settings):
    """A finding that is known to be no leak. It stays in the report, as news.

    :param check: the check's name, as the report has it.
    :param where: the column, or columns, that the check names; default: wherever it finds something.
    :param reason: why it is none.
    """

    check: Name
    where: str | None = None
    reason: str = Field(min_length=1, max_length=200)


def ignored(check: Check, known: Sequence[Ignored]) -> Check:
    """Give the check, as news only when it is known to be no leak."""
    for entry in known:
        if entry.check == check.name and entry.where in (None, check.where) and check.status != "pass":
            return replace(check, severity="info", message=f"{check.message} (ignored: {entry.reason})".strip())
    return check
