"""Outcomes of streams, kept as they come, and what they add up to."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.calibration.bounds import interval, judged

MOST_BLAMED = 6
Key = tuple[str, int, int, int]


@dataclass(slots=True)
class Tally:
    """What a study saw over its streams.

    :param streams: how many there were.
    :param fired: in how many it fired.
    :param by: what fired -> in how many streams.
    """

    streams: int = 0
    fired: int = 0
    by: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Count one stream in."""
        self.streams += 1
        self.fired += outcome["fired"]
        self.by.update(outcome["by"])


def tallied(outcomes: Iterable[Mapping[str, Any]]) -> dict[Key, Tally]:
    """Add outcomes up by study and size, in order of first appearance."""
    tallies: dict[Key, Tally] = {}
    for outcome in outcomes:
        key = (outcome["study"], outcome["rows"], outcome["reference_rows"], outcome["columns"])
        tallies.setdefault(key, Tally()).add(outcome)
    return tallies


def summary(tallies: Mapping[Key, Tally], *, small: bool) -> list[dict[str, Any]]:
    """Return a row for each study, with its rate, the interval and whether it holds."""
    rows = []
    for (study, n, reference, columns), tally in tallies.items():
        low, high = interval(tally.fired, tally.streams)
        judgement = judged(study, tally.fired, tally.streams, small=small)
        rows.append(
            {
                "study": study,
                "rows": n,
                "reference_rows": reference,
                "columns": columns,
                "streams": tally.streams,
                "fired": tally.fired,
                "rate": round(tally.fired / tally.streams, 5),
                "low": round(low, 5),
                "high": round(high, 5),
                "bound": judgement.bound,
                "holds": judgement.holds,
                "by": dict(tally.by.most_common(MOST_BLAMED)),
            }
        )
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay rows out for reading."""
    width = max([58, *(len(row["study"]) + 1 for row in rows)])
    words = {True: "ok", False: "FAILS", None: ""}
    lines = [
        f"{'study':{width}}{'rows':>9}{'reference':>10}{'columns':>8}{'streams':>8}{'fired':>6}"
        f"{'rate':>8}  {'95 % interval':15} {'bound':14}"
    ]
    for row in rows:
        blamed = ", ".join(f"{what} {count}" for what, count in list(row["by"].items())[:3])
        lines.append(
            f"{row['study']:{width}}{row['rows']:>9,}{row['reference_rows']:>10,}{row['columns']:>8}{row['streams']:>8}"
            f"{row['fired']:>6}{row['rate']:>8.1%}  {row['low']:6.1%} -{row['high']:6.1%}  {row['bound']:14} "
            f"{words[row['holds']]:5} {blamed}".rstrip()
        )
    return "\n".join(lines)


class Log:
    """Outcomes on disk, a line for each stream: what was killed goes on where it was.

    :param path: the file.
    :param made_by: what the outcomes depend on (code, seed, size); others are not gone on with.
    """

    def __init__(self, path: Path, made_by: Mapping[str, Any]) -> None:
        self.path, self.made_by = path, json.loads(json.dumps(made_by))

    def begin(self) -> None:
        """Start anew."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.made_by) + "\n")

    def read(self) -> dict[tuple[str, int], list[dict[str, Any]]]:
        """Return what is there, by family and stream; a last line that was cut short is left out.

        :raises SystemExit: when it was made by other code, or with another seed or size.
        """
        if not self.path.exists():
            self.begin()
        lines = self.path.read_text().split("\n")
        if json.loads(lines[0]) != self.made_by:
            raise SystemExit(f"{self.path} was made by other code, or with another seed or size: leave --continue out")
        whole, rest = lines[1:-1], lines[-1]
        if rest:
            self.path.write_text("\n".join([*lines[:-1], ""]))
        found = {}
        for line in whole:
            entry = json.loads(line)
            found[entry["family"], entry["stream"]] = entry["outcomes"]
        return found

    def add(self, family: str, stream: int, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Write one stream down."""
        with self.path.open("a") as file:
            file.write(json.dumps({"family": family, "stream": stream, "outcomes": outcomes}) + "\n")


def fingerprint(folders: Iterable[Path]) -> str:
    """Return a digest of the Python code in folders."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
