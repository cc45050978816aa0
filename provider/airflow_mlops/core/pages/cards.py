"""A check as it is shown: what was seen, what was asked for, examples and the picture, each ready to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from airflow_mlops.core.pages import charts, words
from airflow_mlops.core.report import Check

SEVERITIES = {"error": "error", "warn": "warning", "info": "note"}
MEASURES = {
    "wasserstein": "Wasserstein, in reference sd",
    "wasserstein_normed": "Wasserstein, in reference sd",
    "jensenshannon": "Jensen–Shannon distance",
    "share_change": "Largest change of a share",
    "missing_share": "Change of the missing share",
    "new_categories": "Share never seen before",
    "moved_share": "Share that left the one value",
    "all_missing": "All values missing",
    "non_finite": "Infinite values",
    "psi": "Population stability index",
    "ks": "Kolmogorov–Smirnov distance",
}
LOOKS = ("missing", "distinct", "top", "mean", "median", "std", "min", "max")
ORDER = ("value", "gain", "low", "high", "count", "share", "rows")
MOST_ROWS = 8
MOST_CELLS = 8
MOST_CELL = 80
_TOLD_ELSEWHERE = {"shape", "examples", "reference", "current", "signals", "strata"}
_BOUNDS = {"min": "At least", "max": "At most", "min_length": "At least", "max_length": "At most"}
_OF_MEASURE = {"method", "effect", "p_value", "p_adjusted", "n_reference", "n_current"}


@dataclass(frozen=True, slots=True)
class Table:
    """A small table.

    :param head: the columns' names; the first names the rows.
    :param rows: the cells, in words.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One check, in words.

    :param title: the column, slice or file; the rule where there is none.
    :param rule: the rule, when the title is not it.
    :param severity: ``error``, ``warning`` or ``note``.
    :param message: the check's own sentence.
    :param shape: the distributions, when they were given.
    :param part: the share of rows that break the rule.
    :param tables: both sides, and how the move was measured.
    :param pairs: what else was seen and asked for.
    :param examples: rows that break the rule, with their keys.
    """

    title: str
    rule: str
    severity: str
    message: str
    shape: charts.Shape | None = None
    part: float | None = None
    tables: tuple[Table, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    examples: Table | None = None

    @classmethod
    def of(cls, check: Check, subject: str = "") -> Card:
        """Read a check, as it was made or as it came out of the store.

        :param check: the check.
        :param subject: what the report is about: a check on all of that is known by its rule.
        """
        seen = check.observed if isinstance(check.observed, Mapping) else {}
        shape = charts.Shape.of(seen.get("shape")) or charts.Shape.of_strata(seen.get("strata"), check.where)
        tables = [sides(seen, shape), measures(seen, check.expected), strata(seen.get("strata"), shape)]
        part = words.number(seen.get("share"))
        rule = words.text(check.name, words.MOST_LABEL)
        local = check.where is not None and check.where != subject
        return cls(
            title=words.text(check.where) if local else rule,
            rule=rule if local else "",
            severity=SEVERITIES.get(str(check.severity), words.text(check.severity, words.MOST_LABEL)),
            message=words.arrows(check.message),
            shape=shape,
            part=part if part is not None and 0 <= part <= 1 else None,
            tables=tuple(table for table in tables if table is not None),
            pairs=tuple(pairs(check)),
            examples=examples(seen.get("examples"), check.where),
        )

    @property
    def picture(self) -> Markup | None:
        """The distribution, for a card; categories are drawn row by row."""
        return charts.histogram(self.shape, self.title) if self.shape and not self.shape.names else None

    @property
    def thumbnail(self) -> Markup:
        """The same, small, for a line of a table."""
        if self.shape is None or self.shape.names:
            return Markup("")
        return charts.histogram(self.shape, self.title, "thumb")

    @property
    def proportion(self) -> Markup | None:
        """The share of broken rows, drawn."""
        return None if self.part is None else charts.bar(self.part)


def sides(seen: Mapping[str, Any], shape: charts.Shape | None) -> Table | None:
    """Set the reference beside the current data: mean, spread, missing share, number of values."""
    before, now = seen.get("reference"), seen.get("current")
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return None
    given = seen.get("shape")
    dated = isinstance(given, Mapping) and given.get("kind") == "date"
    keys = [k for k in dict.fromkeys([*LOOKS, *before, *now]) if k in before or k in now]
    keys = [k for k in keys if not (k == "top" and shape and shape.names)]
    rows = [(words.heading(k), _look(k, before.get(k), dated), _look(k, now.get(k), dated)) for k in keys[:MOST_ROWS]]
    if "n_reference" in seen or "n_current" in seen:
        rows.insert(0, ("Values", words.figure(seen.get("n_reference")), words.figure(seen.get("n_current"))))
    return Table(("", "Reference", "Current"), tuple(rows)) if rows else None


def _look(key: str, value: Any, dated: bool) -> str:
    if dated and key in ("mean", "median", "min", "max"):
        return words.day(value)
    if dated and key == "std":
        return f"{words.figure(value)} days"
    if key == "top" and isinstance(value, Mapping):
        told = [f"{words.text(name, 24)} {words.share(part)}" for name, part in list(value.items())[:5]]
        return words.text(", ".join(told)) or words.NOTHING
    return words.text(words.named(key, value), MOST_CELL)


def strata(given: Any, shape: charts.Shape | None) -> Table | None:
    """List how labels went with scores, or with the values of a feature, before and now, where no picture shows it."""
    rows = [row for row in given if isinstance(row, Mapping)] if isinstance(given, (list, tuple)) else []
    if not rows or shape is not None:
        return None
    keys = ("of", "rows", "label_reference", "label_current")
    cells = tuple(tuple(words.text(words.figure(row.get(k)), 40) for k in keys) for row in rows[: charts.MOST_STRATA])
    return Table(("Where", "Rows now", "Label in the reference", "Label now"), cells)


def measures(seen: Mapping[str, Any], expected: Any) -> Table | None:
    """List how a move was measured: the effect, what is allowed, and how likely it is by chance."""
    signals = seen.get("signals")
    if not isinstance(signals, Mapping) or not signals:
        signals = {str(seen["method"]): seen} if seen.get("method") else {}
    limits = expected if isinstance(expected, Mapping) else {}
    main, rows = seen.get("method"), []
    for method, of in sorted(signals.items(), key=lambda signal: signal[0] != main)[:MOST_ROWS]:
        if not isinstance(of, Mapping) or (method != main and of.get("effect") == 0):
            continue
        p_value = of.get("p_adjusted") if of.get("p_adjusted") is not None else of.get("p_value")
        chance = words.NOTHING if p_value is None else words.chance(p_value).removeprefix("= ")
        limit = words.text(words.figure(limits.get(method)), 24)
        told = MEASURES.get(str(method), words.heading(method))
        rows.append((told, words.text(words.figure(of.get("effect")), 24), limit, chance))
    return Table(("Measure", "Effect", "Allowed", "p"), tuple(rows)) if rows else None


def pairs(check: Check) -> list[tuple[str, str]]:
    """List what was observed, and asked for, beyond what has a form of its own."""
    seen, asked = check.observed, check.expected
    if isinstance(seen, bool) and isinstance(asked, bool):
        return []  # the message has said it
    if not isinstance(seen, Mapping):
        told = [("Observed", seen), ("Asked for", asked)]
        return [(name, words.arrows(_cell(value))) for name, value in told if value is not None]
    known = _TOLD_ELSEWHERE | (_OF_MEASURE if "method" in seen else set())
    known |= {"p_value"} if seen.get("p_adjusted") is not None else set()
    found = [(words.heading(k), _cell(v, str(k))) for k, v in _in_order(seen) if k not in known]
    if isinstance(asked, Mapping):
        limits = {} if "method" in seen else asked
        found += [(f"{words.heading(k)}, asked for", _cell(v, str(k))) for k, v in limits.items() if v is not None]
    elif asked is not None:
        found.append((_BOUNDS.get(check.name, "Asked for"), words.arrows(_cell(asked))))
    return found[:MOST_ROWS]


def _in_order(seen: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Put figures before what goes with them: JSON has put them in the order of the alphabet."""
    return sorted(seen.items(), key=lambda pair: ORDER.index(pair[0]) if pair[0] in ORDER else len(ORDER))


def _cell(value: Any, key: str = "") -> str:
    return words.text(words.named(key, value), 2 * MOST_CELL)


def examples(given: Any, column: str | None) -> Table | None:
    """Lay examples out as a table: one row a broken row, its key first, then the columns that break the rule."""
    rows: Sequence[Any] = given if isinstance(given, (list, tuple)) else ()
    found = [row for row in rows if isinstance(row, Mapping)][:MOST_ROWS]
    broken = str(column).split(", ")  # a rule over several columns names them all
    head = sorted(dict.fromkeys(key for row in found for key in row), key=lambda key: str(key) in broken)
    head = [*head[: MOST_CELLS - 1], *head[-1:]] if len(head) > MOST_CELLS else head
    if not head:
        return None
    cells = tuple(tuple(words.text(words.figure(r.get(k)), MOST_CELL) for k in head) for r in found)
    return Table(tuple(words.text(key, words.MOST_LABEL) for key in head), cells)
