"""What the batches add up to, and whether it is within its bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scipy import stats

from benchmarks.calibration.bounds import MOST_FALSE, SURE, Judgement, interval

LEAST_SEEN = 0.9  # of gains of 0.02 AUC at 5,000 rows, how many are to be promoted
PROMISED = ("gain 0.02", 5_000, 0.27)  # study, rows, base rate
KEY = ("study", "rows", "base_rate", "auc", "correlation", "metric", "candidates")


def judged(row: Mapping[str, Any], *, small: bool) -> Judgement:
    """Compare a study with its bound.

    Full runs are held to the end of the interval, or to the rate that was asked for. Of few pairs a count is refused
    only when it would be rare (less than one in a thousand) were the rate just at the bound.

    :param row: study, rows, base rate, pairs and how many were promoted.
    :param small: whether the pairs are few.
    """
    pairs, promoted = row["pairs"], row["promoted"]
    if row["study"].startswith(("aa", "slices")):
        if small:
            most = int(stats.binom.ppf(SURE, pairs, MOST_FALSE))
            return Judgement(promoted <= most, f"<= {most} of {pairs}")
        return Judgement(interval(promoted, pairs)[1] <= MOST_FALSE, f"high <= {MOST_FALSE}")
    if (row["study"], row["rows"], row["base_rate"]) == PROMISED:
        if small:
            least = int(stats.binom.ppf(1 - SURE, pairs, LEAST_SEEN))
            return Judgement(promoted >= least, f">= {least} of {pairs}")
        return Judgement(promoted / pairs >= LEAST_SEEN, f"rate >= {LEAST_SEEN}")
    return Judgement(None, "")


def summary(counts: Iterable[Mapping[str, Any]], *, small: bool) -> list[dict[str, Any]]:
    """Add counts up by study, and give a row for each with its rate, the interval and whether it holds."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for count in counts:
        kept = sums.setdefault(tuple(count[name] for name in KEY), [0, 0])
        kept[0] += count["pairs"]
        kept[1] += count["promoted"]
    rows = []
    for key, (pairs, promoted) in sums.items():
        row = {**dict(zip(KEY, key, strict=True)), "pairs": pairs, "promoted": promoted}
        low, high = interval(promoted, pairs)
        judgement = judged(row, small=small)
        rates = {"rate": round(promoted / pairs, 5), "low": round(low, 5), "high": round(high, 5)}
        rows.append({**row, **rates, "bound": judgement.bound, "holds": judgement.holds})
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay rows out for reading."""
    words = {True: "ok", False: "FAILS", None: ""}
    width = max([36, *(len(row["study"]) + 1 for row in rows)])
    lines = [
        f"{'study':{width}}{'metric':20}{'rows':>7}{'base':>6}{'cand':>5}{'pairs':>6}{'promoted':>9}"
        f"{'rate':>8}  {'95 % interval':16}{'bound':15}"
    ]
    for row in rows:
        base = "" if row["base_rate"] is None else f"{row['base_rate']:g}"
        lines.append(
            f"{row['study']:{width}}{row['metric']:20}{row['rows']:>7,}{base:>6}{row['candidates']:>5}{row['pairs']:>6}"
            f"{row['promoted']:>9}{row['rate']:>8.1%}  {row['low']:6.1%} -{row['high']:6.1%}  {row['bound']:15}"
            f"{words[row['holds']]}".rstrip()
        )
    return "\n".join(lines)
