"""The thirty rules that every validator checks on ``rules`` data; four are broken: types, missing values, ranges, sets,
patterns, one unique key and one rule across columns.
"""

from __future__ import annotations

from typing import Any

BROKEN = frozenset({"f00 range", "f02 missing", "f03 missing", "c00 set"})


def build_rules() -> list[dict[str, Any]]:
    """Return the rules as data, which each peer translates.

    ``type`` has ``type``; ``missing`` the greatest share ``most``; ``range`` has ``min`` and ``max``; ``set`` has
    ``values``; ``pattern`` has ``pattern`` for the whole text; ``unique`` nothing; ``order`` says that ``column``
    is nowhere less than ``than``. Missing values break none but ``missing``.
    """
    types = {"id": "int", "f00": "float", "f01": "float", "f02": "float", "c00": "str", "b00": "bool"}
    found: list[dict[str, Any]] = [{"rule": "type", "column": column, "type": kind} for column, kind in types.items()]
    shares = {"id": 0.0, "f00": 0.05, "f01": 0.05, "f02": 0.02, "f03": 0.08, "f04": 0.2, "c00": 0.0, "c01": 0.0}
    found += [{"rule": "missing", "column": column, "most": most} for column, most in shares.items()]
    ranges = {
        "f00": (-3.0, 3.0),
        "f01": (0.0, 1e6),
        "f02": (-30.0, 30.0),
        "f03": (0.0, 1e4),
        "f04": (0.0, 80.0),
        "f06": (-30.0, 30.0),
        "f07": (0.0, 1e4),
        "f08": (40.0, 120.0),
    }
    found += [{"rule": "range", "column": column, "min": lo, "max": hi} for column, (lo, hi) in ranges.items()]
    for column, count in (("c00", 5), ("c01", 10), ("c02", 20), ("c03", 50)):
        found.append({"rule": "set", "column": column, "values": [f"{column}-{i:03d}" for i in range(count)]})
    found += [{"rule": "pattern", "column": column, "pattern": rf"{column}-\d{{3}}"} for column in ("c01", "c02")]
    found.append({"rule": "unique", "column": "id"})
    found.append({"rule": "order", "column": "f05", "than": "f04"})
    return found


def rule_name(rule: dict[str, Any]) -> str:
    """Return a rule's name."""
    return f"{rule['column']} {rule['rule']}"
