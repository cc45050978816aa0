"""What the page on the cleanup shows works as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_mlops.core.data.snapshots.staging import RETENTION_DAYS
from airflow_mlops.core.housekeeping.cleanup import CleanupPolicy, clean_up

PAGE = (Path(__file__).parents[3] / "docs" / "cleanup.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_operator_reports_the_counts_on_the_page(mlflow_client: Any, database: Any, root: Any) -> None:
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[0], "docs/cleanup.md", "exec"), names)
    task = names["cleanup"]
    assert (task.apply, task.keep_champions, task.keep_days) == (False, 3, 30)
    policy = CleanupPolicy(keep_champions=task.keep_champions, keep_days=task.keep_days)
    counts = clean_up(mlflow_client, database, root, policy, dry_run=not task.apply).facts["counts"]
    assert f"{counts}\n" == re.findall(r"\n\n```\n(.*?)```", PAGE, flags=re.DOTALL)[-1]


def test_the_defaults_are_those_of_the_code() -> None:
    rules = CleanupPolicy()
    assert f"(`keep_champions`, {rules.keep_champions}," in PAGE
    assert f"`keep_days` ({rules.keep_days:.0f})" in PAGE
    assert f"`max_actions` actions ({rules.max_actions:,})" in PAGE
    assert f"{rules.older_than_hours:.0f} hours ago" in PAGE
    assert RETENTION_DAYS == 7
