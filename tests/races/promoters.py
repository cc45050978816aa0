"""Promoting processes that all want to be first, epoch after epoch, and what a race has left behind.

Each process is ``python -m tests.races.promoters STORE MLFLOW NUMBER EPOCHS``: it has a version of its own, gates it
against the champion that it sees, and promotes, until the ledger has so many epochs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_mlops.common.errors import Conflict
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.models.artifact import digest_of
from airflow_mlops.core.registry import promotion
from airflow_mlops.store import ledger, reports, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

MODEL = "m"
REPO = Path(__file__).parents[2]
TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Outcome:
    """Result of a race.

    :param won: promoter -> the epochs that it has made.
    :param lost: how often a promoter was told that somebody else was first.
    """

    won: dict[int, list[int]]
    lost: int

    @property
    def winners(self) -> dict[int, int]:
        """Epoch -> how many promoters hold that they made it."""
        epochs = [epoch for made in self.won.values() for epoch in made]
        return {epoch: epochs.count(epoch) for epoch in epochs}


def race(database: Database, client: Any, folder: Path, *, promoters: int, epochs: int) -> Outcome:
    """Let that many processes promote until the ledger has that many epochs."""
    prepare(database, client, folder, promoters)
    url = database.url.render_as_string(hide_password=False)
    environment = {**os.environ, "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'provider'}"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.races.promoters", url, client.tracking_uri, str(number), str(epochs)],
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment,
        )
        for number in range(1, promoters + 1)
    ]
    try:
        told = [json.loads(process.communicate(timeout=TIMEOUT_SECONDS)[0]) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0] * promoters
    return Outcome({t["number"]: t["won"] for t in told}, sum(t["lost"] for t in told))


def prepare(database: Database, client: Any, folder: Path, promoters: int) -> None:
    """Register a version for each promoter, all of the same small files."""
    files = folder / "model"
    files.mkdir()
    (files / "model.skops").write_bytes(b"as small as it gets")
    client.create_registered_model(MODEL)
    for number in range(1, promoters + 1):
        client.create_model_version(MODEL, str(files))
        versions.add(
            database,
            Version(
                model=MODEL, version=number, digest=digest_of(files), run_id="r", artifact_uri=str(files), cutoff=None,
                candidate="c", data={}, baseline={}, contract=None, actor="a", recorded_at=now(),
            ),
        )  # fmt: skip


def promoter(database: Database, client: Any, number: int, epochs: int) -> dict[str, Any]:
    """Promote the version of that number against whatever champion there is, until there are enough epochs."""
    challenger = versions.ref(versions.get(database, MODEL, number))
    won: list[int] = []
    lost = 0
    while True:
        head = ledger.head(database, MODEL)
        if head is not None and head.revision >= epochs:
            return {"number": number, "won": won, "lost": lost}
        report = Report.from_checks(
            "gate", str(challenger), [Check("c", "pass")], decision="promote" if head else "promote_first"
        )
        report = promotion.bind(report, challenger, head)
        reports.publish(database, report, actor=f"promoter {number}")
        try:
            entry = promotion.promote(
                client, database, challenger=challenger, gate=report.id, reason="r",
                actor=f"promoter {number} on {head.revision if head else 0}",
            )  # fmt: skip
        except Conflict:
            lost += 1
        else:
            won.append(entry.revision)


def check(outcome: Outcome, database: Database, client: Any, epochs: int) -> None:
    """Compare the records with what is promised: one winner an epoch, a dense chain, the alias at its head."""
    entries = ledger.history(database, MODEL, limit=10 * epochs)[::-1]
    last = len(entries)
    assert last >= epochs
    assert [e.revision for e in entries] == list(range(1, last + 1))
    assert [e.previous_revision for e in entries] == [None, *range(1, last)]
    assert outcome.winners == dict.fromkeys(range(1, last + 1), 1)
    assert {e.revision: e.version for e in entries} == {e: n for n, made in outcome.won.items() for e in made}
    for entry in entries:
        assert entry.gate_report is not None
        binding = reports.get(database, entry.gate_report).facts["binding"]
        assert (binding["champion_revision"], binding["version"]) == (entry.previous_revision, entry.version)
    recorded = [e.recorded_at for e in entries]
    assert recorded == sorted(recorded)
    aliases = client.get_registered_model(MODEL).aliases
    assert int(aliases["champion"]) == entries[-1].version
    assert int(aliases["previous"]) == entries[-2].version


def main(arguments: list[str]) -> None:
    """Be one promoter; print what came of it as JSON."""
    from mlflow import MlflowClient

    store, tracking, number, epochs = arguments
    client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
    print(json.dumps(promoter(Database(store), client, int(number), int(epochs))))


if __name__ == "__main__":
    main(sys.argv[1:])
