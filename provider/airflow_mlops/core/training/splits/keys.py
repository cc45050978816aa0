"""Splits that stay: a test row is a test row for ever.

A row's part follows from a hash of its stable key alone, not from the other rows, so that retraining on more data can
never move a row from test to train; and rows that share the key (a customer's weeks) stay together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.splits.parts import PARTS, Shares, complete

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

_BETWEEN = "\x1f"
"""What stands between the columns of a key in its text."""


def key_text(keys: pd.Series[Any]) -> pd.Series[Any]:
    """Give keys as text: 7, 7.0 and "7" are one key, whatever type the column came with this time.

    So are a date, its midnight and its ISO text. The text of a key hangs on its own value alone: a missing value, or an
    hour beside it, changes the column's type, and must not change the key. A missing key stays missing.
    """
    import pandas as pd

    if not (pd.api.types.is_integer_dtype(keys.dtype) or isinstance(keys.dtype, pd.StringDtype)):
        keys = keys.astype(object).map(_text, na_action="ignore").astype(object)
    return keys.astype(str)


def _text(value: Any) -> str:
    """Give the text of one key."""
    import numpy as np
    import pandas as pd

    if isinstance(value, (date, np.datetime64)):
        moment = pd.Timestamp(value)
        moment = moment if moment.tz is None else moment.tz_convert("UTC").tz_localize(None)
        return str(moment.date()) if moment == moment.normalize() else str(moment)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        whole, point, rest = f"{value:f}".partition(".")
        return f"{whole}{point}{rest}".rstrip("0").rstrip(".") if point else whole
    return str(value)


def uniform(keys: pd.Series[Any], seed: int) -> Array:
    """Give each key its own fixed number in [0, 1), the same on every machine and at any time.

    :param keys: n values; numbers and their text form are the same key.
    :param seed: another seed gives another split.
    :returns: n floats.
    """
    import numpy as np
    import pandas as pd

    text = key_text(keys)
    hashed = pd.util.hash_array(text.to_numpy(dtype=object), hash_key=f"{seed % (1 << 64):016x}", categorize=True)
    return np.asarray(hashed >> np.uint64(11), dtype=np.float64) / float(1 << 53)


def joined_key(frame: pd.DataFrame, key: str | Sequence[str]) -> pd.Series[Any]:
    """Give the text of each row's key, of one column or of several.

    :raises BadInput: when a column is missing or has missing values, or none is named.
    """
    columns = [key] if isinstance(key, str) else list(key)
    if not columns:
        raise BadInput("no key column is named", mend="name the column whose values are the same in every retraining")
    complete(frame, *columns)
    text = key_text(frame[columns[0]])
    for column in columns[1:]:
        text = text + _BETWEEN + key_text(frame[column])
    return text


def assign(
    frame: pd.DataFrame,
    key: str | Sequence[str],
    shares: Shares,
    *,
    seed: int = 0,
    stratify: str | None = None,
    earlier: Mapping[str, str] | None = None,
) -> Array:
    """Give the part of each row: ``test``, ``validation`` or ``train``.

    :param frame: n rows.
    :param key: the column, or columns, whose values stay together and decide.
    :param stratify: give every value of this column the same shares. Within a value, keys are ranked by their hash, so
        the shares are exact, but keys near a boundary can move when rows are added, unless ``earlier`` holds them.
    :param earlier: key as text -> the part that it had in an earlier split, and keeps.
    :returns: n names.
    :raises BadInput: when the key or stratum column is missing or has missing values, or a key is in two strata.
    """
    import numpy as np

    text = joined_key(frame, key)
    held = text.map(dict(earlier or {})).to_numpy(dtype=object)
    position = uniform(text, seed)
    if stratify is None:
        cuts = [shares.test, shares.test + shares.validation]
        parts = np.asarray(PARTS, dtype=object)[np.searchsorted(cuts, position, side="right")]
        return np.where([part in PARTS for part in held], held, parts)
    complete(frame, stratify)
    return _stratified(text, frame[stratify], position, held, shares, stratify)


def _stratified(
    text: pd.Series[Any], strata: pd.Series[Any], position: Array, held: Array, shares: Shares, name: str
) -> Array:
    """Share out the keys of each stratum by the rank of their hash; keys that are held stay where they are."""
    import pandas as pd

    rows = pd.DataFrame({"key": text, "stratum": strata, "position": position, "part": held})
    keys = rows.drop_duplicates(["key", "stratum"])
    if torn := keys["key"].duplicated().sum():
        raise BadInput(
            f"a stratified split needs one {name!r} a key, but {int(torn)} keys have several",
            mend="leave out stratify, or split by a column whose values have one each",
        )
    part_of: dict[str, str] = {}
    for _, members in keys.groupby("stratum", sort=True):
        part_of |= _shared_out(members.sort_values("position", kind="stable"), shares)
    return text.map(part_of).to_numpy(dtype=object)


def _shared_out(members: pd.DataFrame, shares: Shares) -> dict[str, str]:
    """Give key -> part within one stratum, so that held and free keys together come as near the shares as they can.

    :param members: the stratum's keys in the order of their hash.
    """
    import numpy as np

    place = (np.arange(len(members)) + 0.5) / len(members)
    wanted = np.searchsorted([shares.test, shares.test + shares.validation], place, side="right")
    part_of = {k: p for k, p in zip(members["key"], members["part"], strict=True) if p in PARTS}
    free = [key for key in members["key"] if key not in part_of]
    taken = list(part_of.values())
    for number, part in enumerate(PARTS):
        room = max(0, int((wanted == number).sum()) - taken.count(part)) if part != "train" else len(free)
        part_of |= dict.fromkeys(free[:room], part)
        free = free[room:]
    return part_of


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Split by the hash of a stable key: random, stratified, or by group.

    :param key: the column, or columns, that decide; rows with the same values stay together.
    :param shares: how the rows are shared out.
    :param seed: another seed gives another split.
    :param stratify: give every value of this column the same shares.
    :param earlier: key as text -> the part that it had in an earlier split, and keeps.
    """

    key: str | Sequence[str]
    shares: Shares = field(default_factory=Shares)
    seed: int = 0
    stratify: str | None = None
    earlier: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def wants_validation(self) -> bool:
        """Whether a validation part was asked for."""
        return self.shares.validation > 0

    def assign(self, frame: pd.DataFrame) -> Array:
        """Give the part of each row."""
        return assign(frame, self.key, self.shares, seed=self.seed, stratify=self.stratify, earlier=self.earlier)

    def to_dict(self) -> dict[str, Any]:
        """Give the rule, ready for JSON."""
        return {
            "how": "key",
            "key": self.key if isinstance(self.key, str) else list(self.key),
            "test": self.shares.test,
            "validation": self.shares.validation,
            "seed": self.seed,
            "stratify": self.stratify,
            "held": 0 if self.earlier is None else len(self.earlier),
        }
