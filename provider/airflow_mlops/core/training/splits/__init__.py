"""Splits: which rows a model is fitted on, chosen on and judged on.

Three ways: by the hash of a stable key (random, stratified, by group), by time with a gap, by partition. Each is a
rule, a small value that decides about a frame and reads or writes nothing; :func:`~.write.split` commits the parts.
"""

from airflow_mlops.core.training.splits.keys import KeyRule, assign, key_text, uniform
from airflow_mlops.core.training.splits.partitions import PartitionRule
from airflow_mlops.core.training.splits.parts import GAP, PARTS, Rule, Shares
from airflow_mlops.core.training.splits.temporal import TimeRule, moments
from airflow_mlops.core.training.splits.write import split

__all__ = [
    "GAP",
    "PARTS",
    "KeyRule",
    "PartitionRule",
    "Rule",
    "Shares",
    "TimeRule",
    "assign",
    "key_text",
    "moments",
    "split",
    "uniform",
]
