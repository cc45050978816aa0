"""The invariants, compared with the records alone: the tables of the lifecycle store, MLflow's own, and the files.

Nothing of the provider is asked but the digest of a folder. Each check gives what is wrong, in words.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from airflow_mlops.core.models.artifact import digest_of

Row = Mapping[str, Any]
PASSING = ("promote", "promote_first")
MAKES_RUN, MAKES_VERSION, MOVES = ("train", "tune"), ("register",), ("promote", "rollback")


@dataclass
class Records:
    """What there is.

    :param work: the folder with everything.
    """

    work: Path

    def rows(self, database: str, query: str) -> list[Row]:
        connection = sqlite3.connect(self.work / f"{database}.db", timeout=60)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query)]
        finally:
            connection.close()

    @cached_property
    def claims(self) -> dict[tuple[str, str], Row]:
        found = self.rows("store", "SELECT * FROM mlops_claims")
        return {(c["kind"], c["key"]): {**c, "value": json.loads(c["value"] or "null")} for c in found}

    @cached_property
    def versions(self) -> dict[int, Row]:
        return {v["version"]: v for v in self.rows("store", "SELECT * FROM mlops_versions")}

    @cached_property
    def ledger(self) -> list[Row]:
        return self.rows("store", "SELECT * FROM mlops_ledger ORDER BY revision")

    @cached_property
    def champion_periods(self) -> list[Row]:
        return self.rows("store", "SELECT revision, effective_at FROM mlops_champion_periods ORDER BY effective_at")

    @cached_property
    def reports(self) -> dict[str, Row]:
        found = self.rows("store", "SELECT * FROM mlops_reports")
        return {r["id"]: {**r, "body": json.loads(r["body"])} for r in found}

    @cached_property
    def catalogue(self) -> list[Row]:
        return self.rows("store", "SELECT * FROM mlops_catalogue ORDER BY dataset, partition, sequence")

    @cached_property
    def runs(self) -> dict[str, Row]:
        tags = self._tags("tags", "run_uuid")
        found = self.rows("mlflow", "SELECT run_uuid, status, lifecycle_stage FROM runs")
        return {r["run_uuid"]: {**r, "tags": tags.get(r["run_uuid"], {})} for r in found}

    @cached_property
    def registered(self) -> dict[int, Row]:
        tags = self._tags("model_version_tags", "version")
        query = "SELECT version, source, run_id, status FROM model_versions WHERE current_stage != 'Deleted_Internal'"
        return {v["version"]: {**v, "tags": tags.get(v["version"], {})} for v in self.rows("mlflow", query)}

    @cached_property
    def aliases(self) -> dict[str, int]:
        return {a["alias"]: a["version"] for a in self.rows("mlflow", "SELECT * FROM registered_model_aliases")}

    @cached_property
    def manifests(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted((self.work / "snapshots").glob("*/*.json"))}

    def _tags(self, table: str, of: str) -> dict[Any, dict[str, str]]:
        found: dict[Any, dict[str, str]] = {}
        for row in self.rows("mlflow", f"SELECT {of} AS of_, key, value FROM {table}"):
            found.setdefault(row["of_"], {})[row["key"]] = row["value"]
        return found

    def published(self) -> dict[str, Any]:
        """Return all that readers can see, without the times at which it was written."""
        models = ("versions", "baselines", "ledger", "champion_periods")
        tables = ("catalogue", "claims", *models, "reports", "windows", "episodes")
        live = {i: (r["status"], r["tags"]) for i, r in self.runs.items() if r["lifecycle_stage"] == "active"}
        return {
            **{t: self.rows("store", f"SELECT * FROM mlops_{t}") for t in tables},
            "live runs": live,
            "metrics": self.rows("mlflow", "SELECT run_uuid, key, value FROM latest_metrics ORDER BY 1, 2"),
            "registered": self.registered,
            "aliases": self.aliases,
            "manifests": self.manifests,
            "models": {n: folder_digest(v["source"]) for n, v in self.registered.items()},
        }


@dataclass
class Expected:
    """What is known of a case beside the records.

    :param succeeded: the keys of the tasks that have succeeded, by step's name.
    :param manifests: the manifests that were committed before, and what is in them.
    :param same: what an undisturbed run has in its catalogue: (dataset, partition, sequence, snapshot id).
    """

    succeeded: list[tuple[str, str]] = field(default_factory=list)
    manifests: Mapping[Path, bytes] = field(default_factory=dict)
    same: Iterable[tuple[Any, ...]] | None = None


def folder_digest(source: str) -> str | None:
    """Return the digest of a folder that a URI names; ``None`` when it is incomplete."""
    path = Path(source if source.startswith("/") else url2pathname(urlsplit(source).path))
    try:
        return digest_of(path)
    except Exception:
        return None


def one_run_and_one_version(records: Records, expected: Expected) -> Iterator[str]:
    """I1. A run that its own attempt has ended as failed is no live one: it stays for people to look at."""
    for step, key in expected.succeeded:
        if step in MAKES_RUN:
            every = [r for r in records.runs.values() if _is_of(r, key)]
            live = [r for r in every if r["lifecycle_stage"] == "active" and r["status"] != "FAILED"]
            claim = records.claims.get(("run", key))
            if [(r["run_uuid"], r["status"]) for r in live] != [(_noted(claim, "run_id"), "FINISHED")]:
                yield f"{key} has the live runs {[(r['run_uuid'], r['status']) for r in live]}, its claim is {claim}"
        if step in MAKES_VERSION:
            made = [number for number, v in records.registered.items() if _is_of(v, key)]
            kept = [number for number, v in records.versions.items() if v["actor"] == key]
            noted = _noted(records.claims.get(("version", key)), "version")
            if not made == kept == [noted]:
                yield f"{key} has the versions {made} in MLflow, {kept} in the store, {noted} in its claim"


def complete_and_ended(records: Records, _: Expected) -> Iterator[str]:
    """I2."""
    for run in records.runs.values():
        if run["status"] not in ("FINISHED", "FAILED", "KILLED"):
            yield f"run {run['run_uuid']} is {run['status']}"
    for number, version in records.registered.items():
        told, found = version["tags"].get("mlops.digest"), folder_digest(version["source"])
        if found is None or told != found:
            yield f"v{number} in MLflow has the digest {told}, its files {found}"
        if version["status"] != "READY":
            yield f"v{number} in MLflow is {version['status']}"
    for number, version in records.versions.items():
        if number not in records.registered:
            yield f"v{number} of the store is not in MLflow"
        if folder_digest(version["artifact_uri"]) != version["digest"]:
            yield f"v{number} of the store has other files"


def champions_passed_their_gate(records: Records, _: Expected) -> Iterator[str]:
    """I3."""
    for entry in records.ledger:
        version = records.versions.get(entry["version"])
        if version is None or version["digest"] != entry["digest"]:
            yield f"revision {entry['revision']} names v{entry['version']}, which has another digest, or none"
            continue
        report = records.reports.get(entry["gate_report"])
        if report is None or report["kind"] != "gate" or report["decision"] not in PASSING:
            yield f"revision {entry['revision']} has no passing gate"
            continue
        binding = report["body"]["facts"]["binding"]
        if (binding["version"], binding["digest"]) != (entry["version"], entry["digest"]):
            yield f"revision {entry['revision']}: its gate judged {binding}"
        if entry["action"] == "promote" and binding["champion_revision"] != entry["previous_revision"]:
            yield f"revision {entry['revision']} was judged against revision {binding['champion_revision']}"


def one_dense_chain(records: Records, expected: Expected) -> Iterator[str]:
    """I4."""
    revisions = [(e["revision"], e["previous_revision"]) for e in records.ledger]
    if revisions != [(n, n - 1 or None) for n in range(1, len(revisions) + 1)]:
        yield f"revisions and previous revisions are {revisions}"
    actors = Counter((e["actor"], e["action"]) for e in records.ledger)
    for step, key in expected.succeeded:
        if step in MOVES and actors[(key, step)] != 1:
            yield f"{key} has succeeded with {actors[(key, step)]} entries"
    yield from (f"{actor} has {n} entries" for (actor, _), n in actors.items() if n > 1)
    planned: list[tuple[int, str]] = []
    for entry in records.ledger:
        planned = [p for p in planned if p[1] < entry["effective_at"]] + [(entry["revision"], entry["effective_at"])]
    if planned != [(r["revision"], r["effective_at"]) for r in records.champion_periods]:
        yield f"champion periods are {records.champion_periods}, by the ledger {planned}"


def aliases_follow(records: Records, _: Expected) -> Iterator[str]:
    """I5."""
    newest = records.ledger[::-1][:2]
    wanted = {alias: e["version"] for alias, e in zip(("champion", "previous"), newest, strict=False)}
    if records.aliases != wanted:
        yield f"aliases are {records.aliases}, by the ledger {wanted}"


def backfills_move_nothing(records: Records, _: Expected) -> Iterator[str]:
    """I6."""
    yield from (f"{e['actor']} made revision {e['revision']}" for e in records.ledger if "/backfill/" in e["actor"])


def snapshots_are_complete(records: Records, expected: Expected) -> Iterator[str]:
    """I7."""
    for path, content in records.manifests.items():
        try:
            manifest = json.loads(content)
        except ValueError:
            yield f"{path.name} is no manifest"
            continue
        for part in manifest["files"]:
            file = path.parent / part["path"]
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != part["sha256"]:
                yield f"{path.name}: {file.name} is gone or has changed"
        if sum(part["rows"] for part in manifest["files"]) != manifest["rows"]:
            yield f"{path.name} has other rows than its files"
    for path, content in expected.manifests.items():
        if records.manifests.get(path) != content:
            yield f"{path.name} was committed, and is gone or has changed"
    ids = {(path.parent.name, path.stem) for path in records.manifests}
    entries = [(c["dataset"], c["partition"], c["sequence"], c["snapshot_id"]) for c in records.catalogue]
    yield from (f"the catalogue has {e}, the files have not" for e in entries if (e[0], e[3]) not in ids)
    if expected.same is not None and set(entries) != set(expected.same):
        yield f"the catalogue has {sorted(set(entries) ^ set(expected.same))} more or less than without faults"


def one_score_set(records: Records, _: Expected) -> Iterator[str]:
    """I8."""
    import pandas as pd

    def ids(path: Path) -> Any:
        parts = json.loads(records.manifests[path])["files"]
        return pd.concat([pd.read_parquet(path.parent / part["path"], columns=["id"]) for part in parts])["id"]

    sets = []
    for path, content in records.manifests.items():
        manifest = json.loads(content)
        source = manifest["source"]
        if not {"rows", "version"} <= source.keys() or not path.parent.name.endswith("_scores"):
            continue
        sets.append((path.parent.name, source["version"], source["rows"]))
        scored = ids(path)
        (asked,) = [ids(p) for p in records.manifests if p.stem == source["rows"]]
        if sorted(scored) != sorted(asked):
            yield f"{path.name} has {len(scored)} rows, {scored.nunique()} of them different; {len(asked)} were asked"
    yield from (f"{of} has {n} score sets" for of, n in Counter(sets).items() if n > 1)


CHECKS: dict[str, Callable[[Records, Expected], Iterator[str]]] = {
    "I1": one_run_and_one_version,
    "I2": complete_and_ended,
    "I3": champions_passed_their_gate,
    "I4": one_dense_chain,
    "I5": aliases_follow,
    "I6": backfills_move_nothing,
    "I7": snapshots_are_complete,
    "I8": one_score_set,
}
NAMES = (*CHECKS, "I9")


def violations(work: Path, expected: Expected) -> list[tuple[str, str]]:
    """Return the violations: invariant and description."""
    records = Records(work)
    return [(name, said) for name, check in CHECKS.items() for said in check(records, expected)]


def changed_by_superseded(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what has changed of what was published, though only a superseded attempt was at work (I9)."""
    return [("I9", f"{what}: {_apart(before[what], after[what])}") for what in before if before[what] != after[what]]


def _apart(one: Any, other: Any) -> str:
    if isinstance(one, list):
        more = [row for row in other if row not in one]
        return f"{len(one)} rows, then {len(other)}; new or changed: {str(more)[:300]}"
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    return "; ".join(f"{key}: {str(one.get(key))[:120]} -> {str(other.get(key))[:120]}" for key in keys[:3])


def _is_of(thing: Row, key: str) -> bool:
    return bool(thing["tags"].get("mlops.key") == key)


def _noted(claim: Row | None, name: str) -> Any:
    return claim["value"].get(name) if claim and claim["finished_at"] and claim["value"] else None
