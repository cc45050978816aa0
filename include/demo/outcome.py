"""What happened in the demo: read back from the ledger and the lifecycle store, never from logs or from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.churn import calendar
from include.churn.backtest import BACKTEST, METRIC, watched
from include.churn.bundle import MODEL

if TYPE_CHECKING:
    from airflow_mlops.store.database import Database
    from include.demo.world import World

HEADING = f"{'week':<12}{'rows':>6}  {'drift':<7}{'champion':<10}{METRIC + ' on labels':<24}  drifted"


def read(world: World) -> dict[str, Any]:
    """Give the whole story as ``build/demo.json`` has it."""
    from airflow_mlops.store import episodes

    database = world.database
    return {
        "change_partition": calendar.key(calendar.CHANGE_WEEK),
        "champions": champions(database),
        "weeks": [week_of(database, partition) for partition in watched(database)],
        "retrainings": [
            {
                "run_id": e.claimed_by.partition("/")[2],
                "cause": "drift",
                "partition": e.requested_partition,
                "outcome": e.outcome,
            }
            for e in episodes.all_of(database, MODEL)
            if e.claimed_by
        ],
    }


def champions(database: Database) -> list[dict[str, Any]]:
    """Give each promotion with the figure and the decision of its gate, oldest first."""
    from airflow_mlops.store import ledger, reports

    found = []
    for entry in reversed(ledger.history(database, MODEL)):
        gate = reports.get(database, str(entry.gate_report))
        found.append(
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
    return found


def week_of(database: Database, partition: str) -> dict[str, Any]:
    """Give one week: its rows, the verdict on drift, the champion, and each version's metric on its labels."""
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
        # Live only the champion's own predictions can be judged; afterwards all versions are, on the same rows.
        "values": {str(v): value for v, value in sorted((backtest or performance).items())},
    }


def line(week: dict[str, Any], labelled: dict[str, Any] | None = None) -> str:
    """Write one week as a line of the table.

    :param labelled: the week whose labels have come with this one, while the story runs; its figure is told instead.
    """
    told = labelled or week
    values = ", ".join(f"v{v} {value:.3f}" for v, value in told["values"].items() if value is not None)
    if labelled and values:
        values += f" ({labelled['partition']})"
    champion = f"v{week['champion']}" if week["champion"] else "-"
    drifted = f"  {', '.join(week['drifted'][:4])}" if week["drift"] == "fail" else ""
    return (
        f"{week['partition']:<12}{week['rows']:>6}  {week['drift'] or '-':<7}{champion:<10}{values or '-':<24}{drifted}"
    )


def champion_line(database: Database) -> str:
    """Say who is champion, and by what gain."""
    found = champions(database)
    if not found:
        return "no champion"
    newest = found[-1]
    gain = newest["gain"]
    proof = f", gain {gain['value']:+.3f}, at least {gain['low']:+.3f}" if gain else ""
    return f"v{newest['version']} is champion ({newest['metric']} {newest['value']:.3f}{proof})"
