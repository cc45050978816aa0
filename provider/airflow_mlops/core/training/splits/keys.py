"""Stable splits by key.

A row's part depends only on a hash of its key, not on other rows, so retraining on more data never moves a row from
test to train. Rows with the same key (a customer's weeks) stay together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.splits.parts import PARTS, SplitFractions, check_complete

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

_SEPARATOR = "\x1f"
"""Separates the columns of a composite key."""


def format_keys(keys: pd.Series[Any]) -> pd.Series[Any]:
    """Return keys as text, independent of the column's type: 7, 7.0 and "7" are the same key.

    A date, its midnight and its ISO text are also the same key. The text depends only on the key's own value, because
    another row's missing value or time of day changes the type of the column. A missing key stays missing.
    """
    import pandas as pd

    if not (pd.api.types.is_integer_dtype(keys.dtype) or isinstance(keys.dtype, pd.StringDtype)):
        keys = keys.astype(object).map(_format_key, na_action="ignore").astype(object)
    return keys.astype(str)


def _format_key(value: Any) -> str:
    """Return the text of one key."""
    import numpy as np
    import pandas as pd

    if isinstance(value, (date, np.datetime64)):
        timestamp = pd.Timestamp(value)
        timestamp = timestamp if timestamp.tz is None else timestamp.tz_convert("UTC").tz_localize(None)
        return str(timestamp.date()) if timestamp == timestamp.normalize() else str(timestamp)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        integer, point, decimals = f"{value:f}".partition(".")
        return f"{integer}{point}{decimals}".rstrip("0").rstrip(".") if point else integer
    return str(value)


def hash_to_unit_interval(keys: pd.Series[Any], seed: int) -> Array:
    """Return a fixed pseudo-random number in [0, 1) for each key, the same on every machine.

    :param keys: n values; a number and its text form are the same key.
    :param seed: another seed gives another split.
    :returns: n floats.
    """
    import numpy as np
    import pandas as pd

    text = format_keys(keys)
    hashed = pd.util.hash_array(text.to_numpy(dtype=object), hash_key=f"{seed % (1 << 64):016x}", categorize=True)
    return np.asarray(hashed >> np.uint64(11), dtype=np.float64) / float(1 << 53)


def join_key_columns(frame: pd.DataFrame, key: str | Sequence[str]) -> pd.Series[Any]:
    """Return the text of each row's key, of one column or several.

    :raises BadInput: when no column is given, or a column is missing or has missing values.
    """
    columns = [key] if isinstance(key, str) else list(key)
    if not columns:
        raise BadInput("no key column is given", hint="name a column whose values are the same in every retraining")
    check_complete(frame, *columns)
    text = format_keys(frame[columns[0]])
    for column in columns[1:]:
        text = text + _SEPARATOR + format_keys(frame[column])
    return text


def assign_parts(
    frame: pd.DataFrame,
    key: str | Sequence[str],
    fractions: SplitFractions,
    *,
    seed: int = 0,
    stratify: str | None = None,
    earlier: Mapping[str, str] | None = None,
) -> Array:
    """Return the part of each row: ``test``, ``validation`` or ``train``.

    :param frame: n rows.
    :param key: the column, or columns, that determine the part; rows with equal values stay together.
    :param stratify: apply the same fractions to every value of this column. Keys are ranked by hash within a value, so
        the fractions are exact, but keys near a boundary can move when rows are added, unless pinned by ``earlier``.
    :param earlier: key as text -> its part in an earlier split, which it retains.
    :returns: n names.
    :raises BadInput: when the key or stratum column is missing or has missing values, or a key is in two strata.
    """
    import numpy as np

    text = join_key_columns(frame, key)
    pinned = text.map(dict(earlier or {})).to_numpy(dtype=object)
    position = hash_to_unit_interval(text, seed)
    if stratify is None:
        cuts = [fractions.test, fractions.test + fractions.validation]
        parts = np.asarray(PARTS, dtype=object)[np.searchsorted(cuts, position, side="right")]
        return np.where([part in PARTS for part in pinned], pinned, parts)
    check_complete(frame, stratify)
    return _assign_stratified(text, frame[stratify], position, pinned, fractions, stratify)


def _assign_stratified(
    text: pd.Series[Any], strata: pd.Series[Any], position: Array, pinned: Array, fractions: SplitFractions, name: str
) -> Array:
    """Assign the keys of each stratum by the rank of their hash; pinned keys keep their part."""
    import pandas as pd

    rows = pd.DataFrame({"key": text, "stratum": strata, "position": position, "part": pinned})
    keys = rows.drop_duplicates(["key", "stratum"])
    if ambiguous := keys["key"].duplicated().sum():
        raise BadInput(
            f"a stratified split needs one {name!r} per key; {int(ambiguous)} keys have several",
            hint="remove stratify, or split by a key with a single value each",
        )
    part_of: dict[str, str] = {}
    for _, members in keys.groupby("stratum", sort=True):
        part_of |= _assign_keys(members.sort_values("position", kind="stable"), fractions)
    return text.map(part_of).to_numpy(dtype=object)


def _assign_keys(members: pd.DataFrame, fractions: SplitFractions) -> dict[str, str]:
    """Return key -> part within one stratum, so that pinned and free keys together approximate the fractions.

    :param members: the stratum's keys, ordered by hash.
    """
    import numpy as np

    rank = (np.arange(len(members)) + 0.5) / len(members)
    target = np.searchsorted([fractions.test, fractions.test + fractions.validation], rank, side="right")
    part_of = {k: p for k, p in zip(members["key"], members["part"], strict=True) if p in PARTS}
    free = [key for key in members["key"] if key not in part_of]
    pinned_parts = list(part_of.values())
    for number, part in enumerate(PARTS):
        missing = max(0, int((target == number).sum()) - pinned_parts.count(part)) if part != "train" else len(free)
        part_of |= dict.fromkeys(free[:missing], part)
        free = free[missing:]
    return part_of


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Split by the hash of a stable key: random, stratified, or by group.

    :param key: the column, or columns, that determine the part; rows with equal values stay together.
    :param fractions: the fractions of the parts.
    :param seed: another seed gives another split.
    :param stratify: apply the same fractions to every value of this column.
    :param earlier: key as text -> its part in an earlier split, which it retains.
    """

    key: str | Sequence[str]
    fractions: SplitFractions = field(default_factory=SplitFractions)
    seed: int = 0
    stratify: str | None = None
    earlier: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def has_validation(self) -> bool:
        """Whether a validation part was requested."""
        return self.fractions.validation > 0

    @property
    def earlier_key(self) -> str | Sequence[str]:
        """The key: rows keep their parts by it."""
        return self.key

    def with_earlier(self, parts: Mapping[str, str]) -> KeyRule:
        """Return this rule with the parts of an earlier split."""
        return replace(self, earlier=parts)

    def assign(self, frame: pd.DataFrame) -> Array:
        """Return the part of each row."""
        return assign_parts(
            frame, self.key, self.fractions, seed=self.seed, stratify=self.stratify, earlier=self.earlier
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as a JSON-serialisable dict."""
        return {
            "method": "key",
            "key": self.key if isinstance(self.key, str) else list(self.key),
            "test": self.fractions.test,
            "validation": self.fractions.validation,
            "seed": self.seed,
            "stratify": self.stratify,
            "pinned": 0 if self.earlier is None else len(self.earlier),
        }
