"""Message text for the reports of a task: verdicts, failed checks and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow_mlops.common.report import Report

MAX_REASONS, MAX_REPORTS, MAX_TEXT_LENGTH = 5, 10, 4000


def default_lead(context: Mapping[str, Any]) -> str:
    """Return the default first line: the task, or the run that missed its deadline.

    :param context: context of a task, or the JSON values of a deadline callback.
    """
    ti, run = context.get("ti"), context.get("dag_run")
    if ti is not None:
        return f"{ti.dag_id}.{ti.task_id} ({ti.run_id})"
    if isinstance(run, Mapping):
        due = (context.get("deadline") or {}).get("deadline_time")
        name = f"{run.get('dag_id')} ({run.get('dag_run_id') or run.get('run_id')})"
        return f"{name} missed its deadline" + (f" of {due}" if due else "")
    return "airflow-provider-mlops"


def render_message(lead: str, reports: Sequence[Report], base_url: str) -> str:
    """Return the message: the first line, then each verdict with its first reasons and the URL of its report page.

    :param lead: first line.
    :param reports: published reports; at most ten are included.
    :param base_url: URL of the web server, from ``[api] base_url``.
    """
    lines = [lead]
    for report in reports[:MAX_REPORTS]:
        lines += [_largest_first(report).summary(MAX_REASONS), f"  {report_url(report.id, base_url)}"]
    if len(reports) > MAX_REPORTS:
        lines.append(f"… and {len(reports) - MAX_REPORTS} more reports")
    text = "\n".join(lines)
    return text if len(text) <= MAX_TEXT_LENGTH else text[: MAX_TEXT_LENGTH - 1] + "…"


def report_url(report_id: str, base_url: str) -> str:
    """Return the URL of a report page, or only its path without a known server."""
    from airflow_mlops.links.report import report_path

    site = urlsplit(base_url)
    return (f"{site.scheme}://{site.netloc}" if site.netloc else "") + report_path(report_id)


def filter_by_verdict(reports: Iterable[Report], verdicts: Sequence[str] | None) -> list[Report]:
    """Return the reports with one of these verdicts; all for ``None``."""
    return [report for report in reports if verdicts is None or report.verdict in verdicts]


def _largest_first(report: Report) -> Report:
    """Sort the checks by effect size, if any, so that the largest changes come first."""
    from dataclasses import replace

    return replace(report, checks=tuple(sorted(report.checks, key=lambda check: -_effect_size(check.observed))))


def _effect_size(observed: Any) -> float:
    effect = observed.get("effect") if isinstance(observed, Mapping) else None
    return abs(effect) if isinstance(effect, (int, float)) else 0.0
