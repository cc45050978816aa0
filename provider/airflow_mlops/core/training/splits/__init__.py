"""Splits of rows into training, validation and test parts.

The built-in rules split by the hash of a stable key (random, stratified, by group), by time with a gap, and by
partition. Other packages add their own, see docs/extending-splits.md. A rule assigns parts to the rows of a frame
without any I/O; :func:`~.snapshots.split_snapshot` commits the parts.
"""

from airflow_mlops.core.training.splits.keys import (
    KeyRule,
    assign_parts,
    format_keys,
    hash_to_unit_interval,
    join_key_columns,
)
from airflow_mlops.core.training.splits.partitions import PartitionRule
from airflow_mlops.core.training.splits.parts import GAP, PARTS, SplitFractions, SplitRule, StableSplitRule
from airflow_mlops.core.training.splits.snapshots import split_snapshot
from airflow_mlops.core.training.splits.temporal import TimeRule, parse_timestamps

__all__ = [
    "GAP",
    "PARTS",
    "KeyRule",
    "PartitionRule",
    "SplitFractions",
    "SplitRule",
    "StableSplitRule",
    "TimeRule",
    "assign_parts",
    "format_keys",
    "hash_to_unit_interval",
    "join_key_columns",
    "parse_timestamps",
    "split_snapshot",
]
