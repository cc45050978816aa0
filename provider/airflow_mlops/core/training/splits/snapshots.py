"""Writing the parts of a split as snapshots, and reading those of an earlier split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import name_of, third_party_errors
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.training.splits.keys import KeyRule, join_key_columns
from airflow_mlops.core.training.splits.partitions import PartitionRule
from airflow_mlops.core.training.splits.parts import GAP, PARTS, SplitRule
from airflow_mlops.core.training.splits.temporal import TimeRule

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def split_snapshot(root: SnapshotRoot, snapshot: Snapshot, rule: SplitRule) -> dict[str, SnapshotRef]:
    """Split a snapshot into three. The rule, its seed and the number of skipped rows are stored in each manifest.

    :returns: ``test``, ``validation`` and ``train``, each a snapshot ``<dataset>_<part>`` of the same partition.
    :raises BadInput: when a requested part has no rows, or the rule does not assign a part to each row.
    """
    frame = snapshot.to_pandas()
    record, parts = to_record(rule), _assign(rule, frame)
    counts = {part: int((parts == part).sum()) for part in (*PARTS, GAP)}
    for part in PARTS:
        if counts[part] == 0 and (part != "validation" or rule.has_validation):
            raise BadInput(
                f"the {part} part has no rows",
                where=f"{snapshot.ref.dataset}: {counts}, by {record}",
                hint="use more rows, or other fractions or durations",
            )
    source = {"rows": snapshot.ref.id, "split": record, "counts": counts}
    return {
        part: root.write(
            f"{snapshot.ref.dataset}_{part}",
            frame[parts == part],
            partition=snapshot.ref.partition,
            source={**source, "part": part},
        )
        for part in PARTS
    }


def to_record(rule: SplitRule) -> dict[str, Any]:
    """Return a rule as the manifest records it: its method, or the import path of another package's rule, and options.

    :raises BadInput: when it cannot be written as JSON.
    """
    name = name_of(rule)
    with third_party_errors(f"the split rule {name!r} cannot be recorded", BadInput):
        record = dict(rule.to_dict())
        if not isinstance(rule, (KeyRule, TimeRule, PartitionRule)):
            record = {**record, "method": name}
        json.dumps(record)
    return record


def _assign(rule: SplitRule, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    import numpy as np

    name = name_of(rule)
    with third_party_errors(f"the split rule {name!r} failed", BadInput):
        parts = np.asarray(rule.assign(frame), dtype=object)
    if parts.shape != (len(frame),):
        raise BadInput(
            f"the split rule {name!r} assigned {parts.size} parts to {len(frame)} rows",
            where=f"shape {parts.shape}",
            hint="return one part per row, in the order of the rows",
        )
    if unknown := sorted({str(part) for part in parts if part not in (*PARTS, GAP)}):
        raise BadInput(
            f"the split rule {name!r} assigned rows to {unknown[0]!r}",
            where=f"all unknown parts: {unknown[:5]}",
            hint=f"use {', '.join((*PARTS, GAP))}",
        )
    return parts


def read_key_parts(root: SnapshotRoot, refs: Mapping[str, SnapshotRef], key: str | Sequence[str]) -> dict[str, str]:
    """Return key as text -> part of an earlier split.

    :param refs: part -> its snapshot; entries not in :data:`~.parts.PARTS` are ignored.
    :param key: the key column, or columns, of both splits.
    :raises BadInput: when a key is in two parts, because the earlier split used another key.
    """
    columns = [key] if isinstance(key, str) else list(key)
    part_of_key: dict[str, str] = {}
    for part in PARTS:
        if part not in refs:
            continue
        for batch in root.open(refs[part]).batches(columns):
            for key_value in join_key_columns(batch, columns).unique():
                if part_of_key.setdefault(key_value, part) != part:
                    raise BadInput(
                        f"key {key_value!r} is in {part_of_key[key_value]} and in {part} of the earlier split",
                        where=f"{refs[part].dataset}, split by {_recorded_method(root, refs[part])!r}",
                        hint=f"it was not split by {columns}; name the key that it was split by",
                    )
    return part_of_key


def _recorded_method(root: SnapshotRoot, ref: SnapshotRef) -> str:
    """Return the method that the manifest of a part records; ``unknown`` without one."""
    try:
        source = json.loads(root.read_text(f"{ref.dataset}/{ref.id}.json"))["source"]
        return str(source["split"]["method"])
    except (OSError, KeyError, TypeError, ValueError):
        return "unknown"
