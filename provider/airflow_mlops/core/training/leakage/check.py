"""The leakage checks of a split, one after another, as one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot
from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.report import Report
from airflow_mlops.core.training.leakage import moment, shared, sums, telling
from airflow_mlops.core.training.leakage.ignoring import Ignored, ignored
from airflow_mlops.core.training.leakage.rows import bounded_sample, labelled, read

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlops.core.data.contracts import Contract

SAMPLE = 20_000
"""So many rows of each part are looked at where a relation is sought."""


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
    ignore: Sequence[Ignored | Mapping[str, Any]] = (),
    subject: str | None = None,
    sample: int = SAMPLE,
) -> Report:
    """Look for leakage in the parts of a split.

    Rows and groups in two parts, the order of time and the cut-off are looked for in all rows; relations between
    features and target in a random sample of each part, which the report's facts name.

    :param parts: ``train``, and ``validation``, ``test`` or both.
    :param contract: gives target, features, key and, where ``time`` is not given, the group (its ``cluster``), as far
        as they are not named here.
    :param target: the column to predict.
    :param features: the columns that a model may learn from.
    :param key: the columns that name a row.
    :param groups: columns whose equal values have to be in one part.
    :param time: the column of moments.
    :param ordered: whether each part has to be older than the next, as in a temporal split.
    :param cutoff: rows and labels may not be from after it: a moment, or a day, month or year to its end, as text.
    :param label_time: the column that says when a row's label was known.
    :param ignore: what is known to be no leak; each with its reason.
    :param subject: what to call it.
    :param sample: at most so many rows of each part are looked at for relations.
    :returns: a report of kind ``leakage``: an error is what makes a judgement on these parts meaningless.
    :raises BadInput: when a part or a column is missing, or nothing says what target and features are.
    """
    described = _described(contract, target, features, key, groups, time)
    target, features = described["target"], described["features"]
    frames = read(
        parts,
        [target, *features, *described["key"], *described["groups"], *(c for c in (time, label_time) if c)],
    )
    samples = {part: bounded_sample(frame, sample) for part, frame in frames.items()}
    train = labelled(samples["train"], target, features)
    held = labelled(_held_out(samples), target, features, like=train)
    strengths = telling.strengths(train, held)
    known = [Ignored.load(entry) for entry in ignore]
    found = [
        *shared.checks(frames, described["key"], described["groups"], [*features, target], sample),
        *moment.checks(frames, time, ordered=ordered, cutoff=cutoff, label_time=label_time),
        *telling.checks(train, held, strengths),
        *sums.checks(train, held),
    ]
    facts = {
        "rows": {part: len(frame) for part, frame in frames.items()},
        "rows_looked_at_for_relations": {part: len(frame) for part, frame in samples.items()},
        "target": target,
        "features": len(features),
        "tables": [telling.table(train.kind, strengths)],
        "cutoff": None if cutoff is None else str(cutoff),
    }
    return Report.of("leakage", subject or _name(parts), [ignored(c, known) for c in found], facts=facts)


def _described(
    contract: Any, target: str | None, features: Any, key: Any, groups: Any, time: str | None
) -> dict[str, Any]:
    """Say what the columns mean, from what is named and, for the rest, from the contract."""
    from airflow_mlops.core.data.contracts import Contract

    given = None if contract is None else Contract.load(contract)
    if given is not None:
        target = target or given.label
        features = features or given.features
        key = key if key is not None else given.key
        # Over time a customer is on both sides, and meant to be: it is the future of known customers that is judged.
        groups = groups if groups is not None or time is not None else given.cluster
    if not target or not features:
        raise BadInput(
            f"nobody says what the {'features are' if target else 'target is'}",
            mend="give a contract, or target='...' and features=[...]",
        )
    if target in features:
        raise BadInput(f"the target {target!r} is among the features", mend="take it out of them")
    return {"target": target, "features": list(features), "key": _listed(key), "groups": _listed(groups)}


def _listed(columns: str | Sequence[str] | None) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns or ())


def _held_out(samples: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([frame for part, frame in samples.items() if part != "train"], ignore_index=True)


def _name(parts: Mapping[str, Snapshot | pd.DataFrame]) -> str:
    train = parts["train"]
    return train.name if isinstance(train, Snapshot) else "parts"
