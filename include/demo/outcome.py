"""Summary of a demo run, read from the ledger and the lifecycle store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.churn import calendar
from include.churn.backtest import BACKTEST, METRIC, monitored_partitions
from include.churn.bundle import MODEL

if TYPE_CHECKING:
    from airflow_mlops.store.database import Database
    from include.demo.services import DemoServices

HEADING = f"{'week':<12}{'rows':>6}  {'drift':<7}{'champion':<10}{METRIC + ' on labels':<24}  drifted"


def read_summary(services: DemoServices) -> dict[str, Any]:
    """Return the summary that is written to ``build/demo.json``."""
    from airflow_mlops.store import episodes

    database = services.database
    return {
        "change_partition": calendar.key(calendar.CHANGE_WEEK),
        "champions": list_promotions(database),
        "weeks": [summarise_week(database, partition) for partition in monitored_partitions(database)],
        "retrainings": [
            {
                "run_id": e.claimed_by.partition("/")[2],
                "cause": "drift",
                "partition": e.requested_partition,
                "outcome": e.outcome,
            }
            for e in episodes.of_model(database, MODEL)
            if e.claimed_by
        ],
    }


def list_promotions(database: Database) -> list[dict[str, Any]]:
    """Return each promotion with its gate's metric and decision, oldest first."""
    from airflow_mlops.store import ledger, reports

    promotions = []
    for entry in reversed(ledger.history(database, MODEL)):
        gate = reports.get(database, str(entry.gate_report))
        promotions.append(
            {
                "version": entry.version,
                "partition": entry.effective_at.date().isoformat(),
                "metric": gate.facts["metric"],
                "value": gate.facts["values"]["challenger"][gate.facts["metric"]],
                "gate": gate.decision,
                "gain": gate.facts.get("gain"),
                "reason": entry.reason,
            }
        )
    return promotions


def summarise_week(database: Database, partition: str) -> dict[str, Any]:
    """Return one week: its row count, drift verdict, champion, and each version's metric on its labels."""
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.store import catalogue, reports, windows

    champion = champion_at(database, MODEL, partition)
    version = None if champion is None else champion.version
    drift = {w.partition: w for w in windows.of_model(database, MODEL, "drift", version=version)}.get(partition)
    columns: list[str] = []
    if drift is not None and drift.report:
        columns = [str(c.where) for c in reports.get(database, drift.report).failed]
    performance = {
        w.version: w.value for w in windows.of_model(database, MODEL, "performance") if w.partition == partition
    }
    backtest = {w.version: w.value for w in windows.of_model(database, MODEL, BACKTEST) if w.partition == partition}
    return {
        "partition": partition,
        "rows": catalogue.current(database, "churn_features", partition).rows,
        "drift": None if drift is None else drift.verdict,
        "drifted": list(dict.fromkeys(columns)),
        "champion": version,
        # During the run only the champion's predictions can be evaluated. The backtest evaluates all versions.
        "values": {str(v): value for v, value in sorted((backtest or performance).items())},
    }


def format_week(week: dict[str, Any], labelled: dict[str, Any] | None = None) -> str:
    """Format one week as a line of the table.

    :param labelled: the week whose labels arrived with this one; its metric is shown instead.
    """
    evaluated = labelled or week
    values = ", ".join(f"v{v} {value:.3f}" for v, value in evaluated["values"].items() if value is not None)
    if labelled and values:
        values += f" ({labelled['partition']})"
    champion = f"v{week['champion']}" if week["champion"] else "-"
    drifted = f"  {', '.join(week['drifted'][:4])}" if week["drift"] == "fail" else ""
    return (
        f"{week['partition']:<12}{week['rows']:>6}  {week['drift'] or '-':<7}{champion:<10}{values or '-':<24}{drifted}"
    )


def format_champion(database: Database) -> str:
    """Describe the current champion and its gain."""
    promotions = list_promotions(database)
    if not promotions:
        return "no champion"
    newest = promotions[-1]
    gain = newest["gain"]
    proof = f", gain {gain['value']:+.3f}, lower bound {gain['low']:+.3f}" if gain else ""
    return f"v{newest['version']} is champion ({newest['metric']} {newest['value']:.3f}{proof})"
