"""What people are told about the reports of a task: verdicts, what failed, and where to read on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow_mlops.core.report import Report

MOST_REASONS, MOST_REPORTS, MOST_TEXT = 5, 10, 4000


def lead_of(context: Mapping[str, Any]) -> str:
    """Say what it is about: the task, or the run that missed its deadline.

    :param context: a task's; or the few facts that a deadline's callback gets, as plain values.
    """
    ti, run = context.get("ti"), context.get("dag_run")
    if ti is not None:
        return f"{ti.dag_id}.{ti.task_id} ({ti.run_id})"
    if isinstance(run, Mapping):
        due = (context.get("deadline") or {}).get("deadline_time")
        name = f"{run.get('dag_id')} ({run.get('dag_run_id') or run.get('run_id')})"
        return f"{name} has missed its deadline" + (f" of {due}" if due else "")
    return "airflow-provider-mlops"


def text_of(lead: str, reports: Sequence[Report], base_url: str) -> str:
    """Give the whole message: the lead, then each verdict with its first reasons and the address of its page.

    :param lead: the first line.
    :param reports: what was published; of more than ten the first ten are told.
    :param base_url: the web server's, as ``[api] base_url`` says.
    """
    lines = [lead]
    for report in reports[:MOST_REPORTS]:
        lines += [_largest_first(report).summary(MOST_REASONS), f"  {page_of(report.id, base_url)}"]
    if len(reports) > MOST_REPORTS:
        lines.append(f"… and {len(reports) - MOST_REPORTS} more reports")
    text = "\n".join(lines)
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


def page_of(report_id: str, base_url: str) -> str:
    """Give the address of a report's page; without its server when that is not known."""
    from airflow_mlops.links.report import report_path

    site = urlsplit(base_url)
    return (f"{site.scheme}://{site.netloc}" if site.netloc else "") + report_path(report_id)


def wanted(reports: Iterable[Report], verdicts: Sequence[str] | None) -> list[Report]:
    """Give the reports with one of these verdicts; all for ``None``."""
    return [report for report in reports if verdicts is None or report.verdict in verdicts]


def _largest_first(report: Report) -> Report:
    """Sort what failed by how far it moved, where that is known, so that the first columns are the top ones."""
    from dataclasses import replace

    return replace(report, checks=tuple(sorted(report.checks, key=lambda check: -_effect(check.observed))))


def _effect(observed: Any) -> float:
    effect = observed.get("effect") if isinstance(observed, Mapping) else None
    return abs(effect) if isinstance(effect, (int, float)) else 0.0
