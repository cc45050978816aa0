"""Training sets: features joined with their mature labels over a window of partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.common.refs import SnapshotRef
from airflow_mlops.core.data.snapshots.dtypes import logical_type
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot

if TYPE_CHECKING:
    import pandas as pd

PARTITION_COLUMN = "partition"


def join_labels(
    root: SnapshotRoot, features: Sequence[SnapshotRef], labels: Sequence[SnapshotRef], key: str
) -> Iterator[pd.DataFrame]:
    """Join each partition's features with the labels of the same partition, one frame per partition.

    Partitions without both are skipped. Rows join only within a partition: a label never comes from after its own
    partition's horizon, nor a feature from another partition. A column ``partition`` is added.

    :param key: the join column, unique within a partition.
    :raises NotFound: when no partition has both.
    :raises BadInput: when the key is missing or repeated within a partition, or its type differs between the two sides.
    """
    by_partition = {ref.partition: ref for ref in labels}
    pairs = [(ref, by_partition[ref.partition]) for ref in features if ref.partition in by_partition]
    if not pairs:
        raise NotFound(
            "no partition has both features and labels",
            where=f"features of {[r.partition for r in features][:5]}, labels of {sorted(map(str, by_partition))[:5]}",
            hint="ingest both for the window, or widen the window",
        )
    for feature_ref, label_ref in pairs:
        left, right = root.open(feature_ref).to_pandas(), root.open(label_ref).to_pandas()
        for frame, ref in ((left, feature_ref), (right, label_ref)):
            if key not in frame.columns or frame[key].isna().any() or frame[key].duplicated().any():
                raise BadInput(
                    f"{key!r} is missing or repeated",
                    where=f"{ref.dataset} {ref.partition}",
                    hint="provide one row per key in each partition",
                )
        if logical_type(left[key].dtype) != logical_type(right[key].dtype):
            raise BadInput(
                f"{key!r} is {left[key].dtype} in the features and {right[key].dtype} in the labels",
                where=f"{feature_ref.dataset} and {label_ref.dataset}, partition {feature_ref.partition}",
                hint="cast it to one type at the source",
            )
        joined = left.merge(right, on=key, how="inner", validate="one_to_one")
        joined[PARTITION_COLUMN] = str(feature_ref.partition)
        yield joined
