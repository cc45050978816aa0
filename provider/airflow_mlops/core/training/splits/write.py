"""Committing the parts of a split, and reading those of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_mlops.core.data.snapshot import Snapshot, SnapshotRoot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.refs import SnapshotRef
from airflow_mlops.core.training.splits.keys import joined_key
from airflow_mlops.core.training.splits.parts import GAP, PARTS, Rule


def split(root: SnapshotRoot, snapshot: Snapshot, rule: Rule) -> dict[str, SnapshotRef]:
    """Split a snapshot into three. The rule, its seed and the number of rows left out are kept in each manifest.

    :returns: ``test``, ``validation`` and ``train``, each a snapshot ``<dataset>_<part>`` of the same partition.
    :raises BadInput: when a part that was asked for would have no row.
    """
    frame = snapshot.to_pandas()
    parts = rule.assign(frame)
    counts = {part: int((parts == part).sum()) for part in (*PARTS, GAP)}
    for part in PARTS:
        if counts[part] == 0 and (part != "validation" or rule.wants_validation):
            raise BadInput(
                f"the {part} part would have no row",
                where=f"{snapshot.ref.dataset}: {counts}, by {rule.to_dict()}",
                mend="use more rows, or other shares or spans",
            )
    source = {"rows": snapshot.ref.id, "split": rule.to_dict(), "counts": counts}
    return {
        part: root.write(
            f"{snapshot.ref.dataset}_{part}",
            frame[parts == part],
            partition=snapshot.ref.partition,
            source={**source, "part": part},
        )
        for part in PARTS
    }


def parts_of(root: SnapshotRoot, refs: Mapping[str, SnapshotRef], key: str | Sequence[str]) -> dict[str, str]:
    """Give key as text -> part, as an earlier split has left it.

    :param refs: part -> its snapshot; what is none of :data:`~.parts.PARTS` is not looked at.
    :param key: the column, or columns, that both splits go by.
    :raises BadInput: when a key is in two of the parts: that split did not go by it.
    """
    columns = [key] if isinstance(key, str) else list(key)
    found: dict[str, str] = {}
    for part in PARTS:
        if part not in refs:
            continue
        for batch in root.open(refs[part]).batches(columns):
            for text in joined_key(batch, columns).unique():
                if found.setdefault(text, part) != part:
                    raise BadInput(
                        f"key {text!r} is in {found[text]} and in {part} of the earlier split",
                        where=refs[part].dataset,
                        mend=f"it did not go by {columns}; name the key that it went by",
                    )
    return found
