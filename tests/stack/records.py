"""The invariants, compared with the stack's records: run in a container beside them, says what is wrong as JSON.

The checks are those of the crash test; here the tables are in PostgreSQL, and the artifacts where MLflow's server
keeps them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.crash.invariants import CHECKS, Expected, Records, Row

ARTIFACTS = Path("/artifacts")
KEY = "customer_id"


class StackRecords(Records):
    """What there is on the stack."""

    @cached_property
    def engines(self) -> dict[str, sa.Engine]:
        urls = {"store": os.environ["STORE_URL"], "mlflow": os.environ["MLFLOW_URL"]}
        return {name: sa.create_engine(url, poolclass=NullPool) for name, url in urls.items()}

    def rows(self, database: str, query: str) -> list[Row]:
        with self.engines[database].connect() as connection:
            found = connection.execute(sa.text(query)).mappings()
            return [{name: _as_text(value) for name, value in row.items()} for row in found]

    @cached_property
    def registered(self) -> dict[int, Row]:
        found = {int(number): version for number, version in super().registered.items()}
        return {number: {**version, "source": self._file_of(version["source"])} for number, version in found.items()}

    @cached_property
    def versions(self) -> dict[int, Row]:
        found = super().versions
        return {number: {**v, "artifact_uri": self._file_of(v["artifact_uri"])} for number, v in found.items()}

    def _file_of(self, source: str) -> str:
        """Return where MLflow's server keeps the files that a URI names."""
        if source.startswith("models:/"):
            (found,) = self.rows(
                "mlflow", f"SELECT artifact_location FROM logged_models WHERE model_id = '{source[8:]}'"
            )
            source = found["artifact_location"]
        return source.replace("mlflow-artifacts:", str(ARTIFACTS), 1)


def one_score_set(records: Records, _: Expected) -> Iterator[str]:
    """I8."""
    import pandas as pd

    def ids(path: Path) -> Any:
        parts = json.loads(records.manifests[path])["files"]
        return pd.concat([pd.read_parquet(path.parent / part["path"], columns=[KEY]) for part in parts])[KEY]

    sets = []
    for path, content in records.manifests.items():
        source = json.loads(content)["source"]
        if not {"rows", "version"} <= source.keys() or not path.parent.name.endswith("_scores"):
            continue
        sets.append((path.parent.name, source["version"], source["rows"]))
        (asked,) = [ids(other) for other in records.manifests if other.stem == source["rows"]]
        if sorted(ids(path)) != sorted(asked):
            yield f"{path.name} has other rows than were asked for"
    yield from (f"{of} has {n} score sets" for of, n in Counter(sets).items() if n > 1)
    if not sets:
        yield "nothing was scored"


def violations(records: Records, expected: Expected) -> list[tuple[str, str]]:
    """Return the violations: which promise, and in words."""
    checks = {**CHECKS, "I8": one_score_set}
    return [(name, said) for name, check in checks.items() for said in check(records, expected)]


def _as_text(value: Any) -> Any:
    """Return JSON as SQLite has it."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def main() -> None:
    """Compare what there is with the tasks that have succeeded, ``[[step, key], ...]`` on the command line."""
    expected = Expected([(step, key) for step, key in json.loads(sys.argv[1])])
    records = StackRecords(Path("/data"))
    found = violations(records, expected)
    counts = {
        "champions": [entry["version"] for entry in records.ledger],
        "runs": len(records.runs),
        "versions": sorted(records.versions),
        "manifests": len(records.manifests),
    }
    print(json.dumps({"violations": found, "counts": counts}))


if __name__ == "__main__":
    main()
