"""The leakage report of a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.data.snapshots.snapshot import Snapshot
from airflow_mlops.core.training.leakage import derived_target, overlap, target_proxy, temporal
from airflow_mlops.core.training.leakage.exemptions import LeakageExemption, apply_exemptions
from airflow_mlops.core.training.leakage.rows import bounded_sample, label_rows, read_parts

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.core.data.contracts import Contract

SAMPLE_ROWS = 20_000
"""The maximum number of rows per part for checks of relations."""


def check_leakage(
    parts: Mapping[str, Snapshot | pd.DataFrame],
    *,
    contract: Contract | Mapping[str, Any] | str | None = None,
    target: str | None = None,
    features: Sequence[str] | None = None,
    key: str | Sequence[str] | None = None,
    groups: str | Sequence[str] | None = None,
    time: str | None = None,
    ordered: bool = True,
    cutoff: Any = None,
    label_time: str | None = None,
    ignore: Sequence[LeakageExemption | Mapping[str, Any]] = (),
    subject: str | None = None,
    sample: int = SAMPLE_ROWS,
) -> Report:
    """Check the parts of a split for leakage.

    Overlapping rows and groups, the order in time and the cut-off are checked on all rows. Relations between features
    and target are checked on a random sample of each part, whose size is in the report's facts.

    :param parts: ``train``, and ``validation``, ``test`` or both.
    :param contract: supplies target, features and key where they are not given here, and the group (its ``cluster``)
        unless ``time`` is given.
    :param target: the column to predict.
    :param features: the columns available to a model.
    :param key: the columns that identify a row.
    :param groups: columns whose equal values must be in one part.
    :param time: the column of timestamps.
    :param ordered: whether each part must be older than the next, as in a temporal split.
    :param cutoff: the latest time allowed for rows and labels: a timestamp, or the end of a day, month or year.
    :param label_time: the column with the time at which a row's label became available.
    :param ignore: exemptions, each with its reason.
    :param subject: the subject of the report.
    :param sample: the maximum number of rows per part for checks of relations.
    :returns: a report of kind ``leakage``; an error invalidates any evaluation on these parts.
    :raises BadInput: when a part or a column is missing, or target or features are not specified.
    """
    roles = _column_roles(contract, target, features, key, groups, time)
    target, features = roles["target"], roles["features"]
    frames = read_parts(
        parts,
        [target, *features, *roles["key"], *roles["groups"], *(c for c in (time, label_time) if c)],
    )
    samples = {part: bounded_sample(frame, sample) for part, frame in frames.items()}
    train = label_rows(samples["train"], target, features)
    held_out = label_rows(_concat_held_out(samples), target, features, like=train)
    strengths = target_proxy.compute_strengths(train, held_out)
    exemptions = [LeakageExemption.load(entry) for entry in ignore]
    checks = [
        *overlap.check_overlap(frames, roles["key"], roles["groups"], [*features, target], sample),
        *temporal.check_temporal_order(frames, time, ordered=ordered, cutoff=cutoff, label_time=label_time),
        *target_proxy.check_target_proxies(train, held_out, strengths),
        *derived_target.check_derived_target(train, held_out),
    ]
    facts = {
        "rows": {part: len(frame) for part, frame in frames.items()},
        "sampled_rows": {part: len(frame) for part, frame in samples.items()},
        "target": target,
        "features": len(features),
        "tables": [target_proxy.strength_table(train.kind, strengths)],
        "cutoff": None if cutoff is None else str(cutoff),
    }
    return Report.from_checks(
        "leakage", subject or _default_subject(parts), [apply_exemptions(c, exemptions) for c in checks], facts=facts
    )


def _column_roles(
    contract: Any, target: str | None, features: Any, key: Any, groups: Any, time: str | None
) -> dict[str, Any]:
    """Return the roles of the columns, from the arguments and, where these are missing, from the contract."""
    from airflow_mlops.core.data.contracts import Contract

    loaded = None if contract is None else Contract.load(contract)
    if loaded is not None:
        target = target or loaded.label
        features = features or loaded.features
        key = key if key is not None else loaded.key
        # In a temporal split the same customers are in both parts by design: the model predicts their future.
        groups = groups if groups is not None or time is not None else loaded.cluster
    if not target or not features:
        raise BadInput(
            f"the {'features are' if target else 'target is'} not specified",
            hint="give a contract, or target='...' and features=[...]",
        )
    if target in features:
        raise BadInput(f"the target {target!r} is among the features", hint="remove it from the features")
    return {"target": target, "features": list(features), "key": _to_list(key), "groups": _to_list(groups)}


def _to_list(columns: str | Sequence[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or ())


def _concat_held_out(samples: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([frame for part, frame in samples.items() if part != "train"], ignore_index=True)


def _default_subject(parts: Mapping[str, Snapshot | pd.DataFrame]) -> str:
    train = parts["train"]
    return train.name if isinstance(train, Snapshot) else "parts"
