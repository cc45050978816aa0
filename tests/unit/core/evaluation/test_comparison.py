"""From a challenger and the champion of the ledger to a bound decision, with seen rows counted by key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
from airflow_mlops.common.report import Report
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.registry import gate_version
from airflow_mlops.store import reports, versions
from airflow_mlops.store.tables import Version

POLICY = GatePolicy(resamples=200, min_rows=100)


def evaluated(world: Any, challenger: ModelVersionRef, rows: SnapshotRef | None = None) -> Report:
    judged = comparison.GateDataset(world.root.open(rows or world.data["test"]), ["id"], "y", ["x", "z"])
    report = comparison.compare_with_champion(
        world.database,
        world.root,
        challenger=challenger,
        rows=judged,
        metric="roc_auc",
        tracking_uri=world.client.tracking_uri,
    )
    reports.publish(world.database, report, actor="evaluate")
    return reports.get(world.database, report.id)


def gated(world: Any, challenger: ModelVersionRef, evaluation: Report) -> Report:
    return gate_version.gate_version(
        world.database, world.root, evaluation=evaluation, challenger=challenger, policy=POLICY
    )


def edited(world: Any, ref: ModelVersionRef, **data: Any) -> None:
    """Change what is known of a version's data."""
    version = versions.get(world.database, ref.model, ref.version)
    kept = {c.name: getattr(version, c.name) for c in Version.__table__.columns}
    changed = {k: v for k, v in {**version.data, **data}.items() if v is not None}
    versions.add(world.database, Version(**{**kept, "data": changed}))


@pytest.fixture
def trained(world: Any) -> Any:
    """Version 1 learnt from noise (z) and is champion; 2 learnt from the signal (x)."""
    world.weak = world.registered("weak", run=world.trained("weak", features=("z", "x")[:1]))
    world.strong = world.registered("strong", run=world.trained("strong", features=("x",)))
    return world


def test_the_first_champion_is_judged_alone(trained: Any) -> None:
    evaluation = evaluated(trained, trained.weak)
    assert set(evaluation.facts["roles"]) == {"challenger"}
    report = gated(trained, trained.weak, evaluation)
    assert report.decision == "promote_first"
    assert report.facts["binding"] == {
        "model": "m",
        "version": 1,
        "digest": trained.weak.digest,
        "champion_revision": None,
        "champion_version": None,
    }


def test_a_better_challenger_passes_and_a_worse_one_does_not(trained: Any) -> None:
    trained.promoted(trained.weak, "p1", trained.gated(trained.weak, "promote_first"))
    report = gated(trained, trained.strong, evaluated(trained, trained.strong))
    assert report.decision == "promote"
    assert (report.facts["binding"]["champion_revision"], report.facts["binding"]["champion_version"]) == (1, 1)
    trained.promoted(trained.strong, "p2")
    assert gated(trained, trained.weak, evaluated(trained, trained.weak)).decision == "reject"


def test_the_champion_itself_gated_once_more_is_not_promoted_over_itself(trained: Any) -> None:
    trained.promoted(trained.strong, "p1", trained.gated(trained.strong, "promote_first"))
    evaluation = evaluated(trained, trained.strong)
    assert set(evaluation.facts["roles"]) == {"challenger", "champion"}
    assert gated(trained, trained.strong, evaluation).decision == "reject"


def test_rows_that_the_challenger_was_trained_or_chosen_on_block(trained: Any) -> None:
    for part in ("train", "validation"):
        seen = trained.root.open(trained.data[part]).to_pandas().head(1)
        rows = pd.concat([trained.root.open(trained.data["test"]).to_pandas(), seen])
        evaluation = evaluated(trained, trained.strong, trained.root.write("g", rows))
        assert evaluation.facts["roles"]["challenger"]["seen_rows"] == 1
        report = gated(trained, trained.strong, evaluation)
        assert report.decision == "blocked"
        assert [c.name for c in report.failed] == ["unseen rows"]


def test_rows_that_the_champion_was_trained_on_block_too(trained: Any) -> None:
    trained.promoted(trained.weak, "p1", trained.gated(trained.weak, "promote_first"))
    edited(trained, trained.weak, train=trained.data["test"].to_dict())
    report = gated(trained, trained.strong, evaluated(trained, trained.strong))
    assert report.decision == "blocked"
    assert report.failed[0].observed == 200


@pytest.mark.parametrize("part", ["train", "validation"])
def test_when_it_is_not_known_what_a_model_has_seen_it_blocks(trained: Any, part: str) -> None:
    edited(trained, trained.strong, **{part: None})
    evaluation = evaluated(trained, trained.strong)
    assert evaluation.facts["roles"]["challenger"]["seen_rows"] is None
    assert gated(trained, trained.strong, evaluation).decision == "blocked"


def test_a_tampered_artifact_is_not_scored(trained: Any) -> None:
    for model in Path("artifacts").rglob("model.skops"):
        model.write_bytes(model.read_bytes() + b"x")
    with pytest.raises(Refused, match="do not match the registered digest"):
        evaluated(trained, trained.strong)


def test_the_evaluation_of_another_version_is_refused(trained: Any) -> None:
    evaluation = evaluated(trained, trained.weak)
    with pytest.raises(BadInput, match="is the evaluation of m v1, not the evaluation of m v2"):
        gated(trained, trained.strong, evaluation)
    with pytest.raises(BadInput, match="not the evaluation"):
        gated(trained, trained.weak, replace(evaluation, kind="gate"))


def test_an_evaluation_that_lacks_the_champion_it_names_is_no_first_champion(trained: Any) -> None:
    evaluation = evaluated(trained, trained.strong)
    trained.promoted(trained.weak, "p1", trained.gated(trained.weak, "promote_first"))
    forged = replace(evaluation, facts={**evaluation.facts, "champion_revision": 1})
    with pytest.raises(BadInput, match="no scores of both models"):
        gated(trained, trained.strong, forged)


def test_the_decision_is_bound_to_the_champion_of_the_evaluation_not_of_the_gate(trained: Any) -> None:
    stale = evaluated(trained, trained.strong)
    trained.promoted(trained.weak, "p1", trained.gated(trained.weak, "promote_first"))
    assert gated(trained, trained.strong, stale).facts["binding"]["champion_revision"] is None


def test_size_and_speed_are_there_for_the_budgets(trained: Any) -> None:
    evaluation = evaluated(trained, trained.strong)
    facts = evaluation.facts["roles"]["challenger"]
    assert facts["bytes"] > 0
    assert facts["predict_ms_per_1000"] > 0
    tight = POLICY.model_copy(update={"budgets": {"bytes": 1}})
    report = gate_version.gate_version(
        trained.database, trained.root, evaluation=evaluation, challenger=trained.strong, policy=tight
    )
    assert report.decision == "reject"
