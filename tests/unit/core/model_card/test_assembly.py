"""A version's card is gathered from store, snapshots and MLflow, and lies among the artifacts of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.errors import BadInput, NotFound, Refused
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.model_card import OwnerNotes, build_model_card
from airflow_mlops.core.model_card.assembly import CARD_HTML, CARD_MARKDOWN, DESCRIPTION, collect_facts, write_card
from airflow_mlops.core.reports.documents import CodeBlock, render_document_markdown
from airflow_mlops.core.training.fit import Candidate, TrainingJob, train


def known(world: Any, version: ModelVersionRef, **how: Any) -> Any:
    return collect_facts(world.client, world.database, world.root, version, **how)


def artifact(world: Any, version: ModelVersionRef, name: str) -> str:
    return Path(world.client.download_artifacts(version.run_id, name)).read_text(encoding="utf-8")


def test_store_snapshots_and_run_are_gathered(world: Any) -> None:
    source = {"split": {"method": "key", "key": "id"}}
    frame = world.people(300, 5)
    data = {part: world.root.write(f"people_{part}", frame[at::3], source=source)
            for at, part in enumerate(("train", "validation", "test"))}  # fmt: skip
    world.data = data
    candidate = Candidate("linear", LogisticRegression, ("x",), "y", params={"C": 0.5})
    parts = {part: world.root.open(data[part]) for part in ("train", "validation")}
    tags = {"mlops.code_version": "git:abc"}
    run = train(world.client, world.database, candidate, TrainingJob(**parts, experiment="e", key="k", tags=tags))
    found = known(world, world.registered("k", run=run))

    assert (str(found), found.candidate, found.cutoff) == ("m v1", "linear", "2026-04-06")
    assert found.run.params["param.C"] == "0.5"
    assert found.run.tags["mlops.code_version"] == "git:abc"
    assert found.run.estimator["params"]["C"] == 0.5
    assert found.split == {"method": "key", "key": "id"}
    assert found.contract is None  # {"c": 1} is no contract: said, not guessed
    assert (found.evaluation, found.gate, found.self_tests, found.entry) == (None, None, None, None)


def test_the_newest_gate_report_and_the_ledger_s_entry_are_found(world: Any) -> None:
    version = world.registered("a")
    world.promoted(version, "p")
    found = known(world, version)
    assert found.entry["revision"] == 1
    assert found.gate is None  # the gate operator binds it, not the promotion
    from airflow_mlops.store import versions

    report = world.gated(version, "reject")
    versions.bind_gate(world.database, "m", version.version, report_id=report, decision="reject")
    assert known(world, version).gate.decision == "reject"


def test_a_run_that_is_gone_is_named_as_missing(world: Any) -> None:
    version = world.registered("a")
    gone = ModelVersionRef(version.model, version.version, version.digest, version.run_id)
    from airflow_mlops.store import versions

    row = versions.get(world.database, "m", version.version)
    row.run_id, row.data = "0" * 32, {"train": {"dataset": "swept", "id": "x"}}
    versions.add(world.database, row)
    found = known(world, gone)
    assert (found.run, found.split) == (None, None)
    assert "the MLflow run was deleted" in render_document_markdown(build_model_card(found))


def test_what_cannot_be_this_version_is_refused(world: Any) -> None:
    version = world.registered("a")
    with pytest.raises(Refused, match="other files"):
        known(world, ModelVersionRef("m", version.version, "f" * 64, version.run_id))
    with pytest.raises(NotFound):
        known(world, ModelVersionRef("m", 99, version.digest, version.run_id))
    other = Report.from_checks("evaluation", "m v9", [Check("c", "pass")])
    with pytest.raises(BadInput, match="the evaluation of m v9, not the evaluation of m v1"):
        known(world, version, evaluation=other)


def test_it_lies_among_the_run_s_artifacts_and_a_retry_replaces_it(world: Any) -> None:
    version = world.registered("a")
    for said in ("the first try", "the second try"):
        write_card(world.client, version, build_model_card(known(world, version, owners=OwnerNotes.parse(said))))
    assert "the second try" in artifact(world, version, CARD_MARKDOWN)
    assert "the first try" not in artifact(world, version, CARD_MARKDOWN) + artifact(world, version, CARD_HTML)
    assert artifact(world, version, CARD_HTML).startswith("<!doctype html>")
    names = [file.path for file in world.client.list_artifacts(version.run_id)]
    assert [name for name in sorted(names) if "card" in name] == [CARD_HTML, CARD_MARKDOWN]


def test_the_registry_points_to_it_and_a_description_of_somebody_s_stays(world: Any) -> None:
    first, second = world.registered("a"), world.registered("b")
    world.client.update_model_version("m", str(second.version), description="mine")
    for version in (first, second):
        write_card(world.client, version, build_model_card(known(world, version)))
    told = [world.client.get_model_version("m", str(v.version)).description for v in (first, second)]
    assert told == [DESCRIPTION, "mine"]


def test_the_code_on_the_card_loads_this_very_version(world: Any, people: Any) -> None:
    version = world.registered("k", run=world.trained("k"))
    use = build_model_card(known(world, version)).sections[-1]
    code = [block for block in use.blocks if isinstance(block, CodeBlock)][-1]
    names: dict[str, Any] = {"rows": pd.DataFrame({"x": people(50)["x"]})}
    exec("\n".join(code.lines), names)
    assert len(names["scores"]) == 50
    assert version.digest in "\n".join(code.lines)
