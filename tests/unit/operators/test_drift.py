"""The drift operator: one thing to compare with, the report before anything else, and pages that decide nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.core.data.profiles import profile, storage
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.store import baselines, catalogue, ledger, versions, windows
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]
CALM, DEAR = "rentals@2026-04-01", "rentals@2026-04-02"
CONTRACT: dict[str, Any] = {
    "name": "rentals",
    "key": "id",
    "cluster": "customer",
    "columns": {
        "id": {"type": "int"},
        "customer": {"type": "int", "role": "ignore"},
        "price": {"type": "float"},
        "plan": {"type": "category"},
        "seats": {"type": "int", "values": [1, 2]},
        "back": {"type": "int", "role": "label"},
    },
    "environments": {"serving": {"without": ["back", "customer"]}},
}


def rentals(seed: int, price: float = 20.0, rows: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows) + 10_000 * seed,
            "customer": np.arange(rows) // 2,
            "price": rng.gamma(4, price / 4, rows),
            "plan": rng.choice(["day", "month"], rows),
            "seats": rng.integers(1, 3, rows),
            "back": rng.integers(0, 2, rows),
        }
    )


@pytest.fixture(autouse=True)
def days(database: Database, root: SnapshotRoot) -> None:
    """A calm day; a dear one; a day of requests, which have no label, nor who asks."""
    served = rentals(5).drop(columns=["back", "customer"])
    for (dataset, _, day), frame in {
        CALM.partition("@"): rentals(3),
        DEAR.partition("@"): rentals(4, price=40),
        ("requests", "@", "2026-04-01"): served,
        ("requests", "@", "2026-04-02"): served.assign(price=served["price"] * 100),
        ("requests", "@", "2026-04-03"): served.drop(columns="plan"),
    }.items():
        catalogue.record(database, root.write(dataset, frame, partition=day))


@pytest.fixture
def champion(database: Database, root: SnapshotRoot) -> Version:
    """A version in the ledger, with its training rows and how its scores were spread."""
    train = root.write("training", rentals(1), partition="2026-03")
    versions.add(
        database,
        Version(
            model="m", version=1, digest="d", run_id="run", artifact_uri="/nowhere", cutoff=None, candidate="c",
            data={"train": train.to_dict()}, actor="test", recorded_at=now(),
            baseline=profile(root.open(train), columns=["price", "plan"]).to_dict(),
        ),
    )  # fmt: skip
    ledger.append(
        database, model="m", expected_revision=None, version=1, digest="d", gate_report=None, approver=None, reason="r",
        actor="test",
    )  # fmt: skip
    return versions.get(database, "m", 1)


def drift(**how: Any) -> CheckDriftOperator:
    return CheckDriftOperator(**{"task_id": "t", "snapshot": DEAR} | how)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "exactly one of model and reference"),
        ({"model": "m", "reference": CALM}, "exactly one of model and reference"),
        ({"model": "m", "data_kind": "labels"}, "data_kind is not valid; got 'labels'"),
        ({"model": "m", "against": "yesterday"}, "against is not valid; got 'yesterday'"),
        ({"reference": CALM, "slices": ["plan"]}, "require a model"),
        ({"reference": CALM, "version": 1}, "require a model"),
        ({"model": "m", "data_kind": "scores", "slices": "plan"}, "slices require features"),
        ({"model": "m", "version": "newest"}, "not a valid version number"),
        ({"model": "m", "version": 7}, "m v7 is not in the lifecycle store"),
        ({"reference": CALM, "evidently_report": True}, "requires the features of a model"),
        ({"model": "m", "data_kind": "scores", "evidently_report": "True"}, "requires the features of a model"),
        ({"model": "m", "contract": CONTRACT}, "set reference="),
        ({"reference": CALM, "data_kind": "scores", "contract": CONTRACT}, "set reference="),
        ({"reference": CALM, "environment": "serving"}, "set contract="),
        ({"model": "m", "environment": "serving"}, "set contract="),
        ({"reference": CALM, "contract": CONTRACT, "environment": "staging"}, "no environment 'staging'"),
        ({"reference": CALM, "champion_at": "2026-04-01"}, "champion_at requires a model"),
        ({"model": "m", "champion_at": "2026-04-01", "version": 1}, "set champion_at or version, not both"),
        ({"model": "m", "champion_at": "yesterday"}, "'yesterday' is not a valid timestamp"),
        ({"reference": CALM, "snapshot": "rentals@1999"}, "rentals"),
        ({"reference": CALM, "policy": {"drift": {"numeric_threshold": "much"}}}, "numeric"),
        ({"reference": CALM, "policy": "no/such/policy.yaml"}, "no/such/policy.yaml"),
    ],
    ids=str,
)
def test_parameters_that_contradict_each_other_or_lead_nowhere_fail_at_once(
    how: dict[str, Any], message: str, execute: Execute, champion: Version
) -> None:
    ended = execute(drift(**how))
    assert isinstance(ended.error, AirflowFailException)
    assert message in str(ended.error)
    assert (ended.pushed, ended.published) == ({}, [])


def test_a_profile_is_no_rows_for_a_champion(execute: Execute, champion: Version, root: SnapshotRoot) -> None:
    saved = storage.save_profile(root, "rentals", profile(rentals(3)))
    ended = execute(drift(model="m", snapshot=saved.to_dict()))
    assert isinstance(ended.error, AirflowFailException)
    assert "expected a snapshot reference, got a profile reference" in str(ended.error)


def test_drift_is_news_unless_it_is_told_to_fail_and_the_report_comes_first(execute: Execute) -> None:
    news = execute(drift(reference=CALM, policy={"ignore": ["id"]}))
    assert (news.error, news.result["verdict"]) == (None, "fail")
    assert news.result == news.pushed["report"] == news.report.ref().to_dict()
    assert [c.where for c in news.report.failed] == ["price"]
    failed = execute(drift(task_id="told", reference=CALM, when_failed="fail"))
    assert isinstance(failed.error, AirflowFailException)
    assert failed.pushed == {"report": failed.report.ref().to_dict()}
    assert failed.report.id in str(failed.error)


def test_without_a_champion_there_is_nothing_to_compare_with_and_the_task_is_skipped(
    execute: Execute, champion: Version
) -> None:
    for how, message in (
        ({"model": "nobody"}, "nobody has no champion now"),
        ({"model": "m", "champion_at": "1999-01-01"}, "m had no champion at 1999-01-01"),
    ):
        ended = execute(drift(**how))
        assert isinstance(ended.error, AirflowSkipException)
        assert message in str(ended.error)
        assert ended.published == []


def test_the_champions_baseline_is_used_and_the_window_kept(
    execute: Execute, champion: Version, database: Database
) -> None:
    ended = execute(drift(model="{{ name }}", snapshot="rentals@{{ day }}"), name="m", day="2026-04-02")
    assert [c.where for c in ended.report.failed] == ["price"]
    (window,) = windows.of_model(database, "m", "drift")
    assert (window.partition, window.verdict, window.report) == ("2026-04-02", "fail", ended.report.id)


def test_against_another_reference_no_window_is_kept(execute: Execute, champion: Version, database: Database) -> None:
    execute(drift(reference=CALM))
    assert windows.of_model(database, "m", "drift") == []


def test_scores_are_held_against_those_of_the_evaluation_or_of_any_reference(
    execute: Execute, champion: Version, database: Database, root: SnapshotRoot
) -> None:
    def scores(seed: int, a: float) -> dict[str, Any]:
        frame = pd.DataFrame({"id": range(900), "score": np.random.default_rng(seed).beta(a, 4, 900)})
        return root.write("scores", frame.assign(model_version=1), partition=f"2026-04-0{seed}").to_dict()

    baselines.save(database, "m", 1, "scores", profile(root.open(scores(1, 2)), columns=["score"]).to_dict())
    ended = execute(drift(model="m", snapshot=scores(2, 2), data_kind="scores"))
    assert (ended.report.kind, ended.report.verdict) == ("prediction_drift", "pass")
    assert [w.verdict for w in windows.of_model(database, "m", "prediction_drift")] == ["pass"]
    other = execute(drift(task_id="other", reference=scores(1, 2), snapshot=scores(3, 6), data_kind="scores"))
    assert (other.report.kind, "score" in {c.where for c in other.report.failed}) == ("prediction_drift", True)


def test_a_policy_is_a_path_or_its_content(execute: Execute, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"drift": {"ignore": ["price", "id"]}, "gate": {"metric": "auc"}}), encoding="utf-8")
    for i, policy in enumerate([str(path), {"drift": {"ignore": ["price", "id"]}}, {"ignore": ["price", "id"]}]):
        ended = execute(drift(task_id=f"t{i}", reference=CALM, policy=policy))
        assert (ended.result["verdict"], "price" in {c.where for c in ended.report.checks}) == ("pass", False)


def test_a_reference_is_a_snapshot_or_a_profile_and_so_is_what_is_held_against_it(
    execute: Execute, root: SnapshotRoot, database: Database
) -> None:
    before = profile(root.open(catalogue.current(database, "rentals", "2026-04-01")))
    now_ = profile(root.open(catalogue.current(database, "rentals", "2026-04-02")), like=before)
    saved = {name: storage.save_profile(root, name, p).to_dict() for name, p in (("before", before), ("now", now_))}
    reports = [
        execute(drift(task_id=f"t{i}", reference=reference, snapshot=current)).report
        for i, (reference, current) in enumerate(
            [(CALM, DEAR), (saved["before"], DEAR), (saved["before"], saved["now"]), (CALM, saved["now"])]
        )
    ]
    assert [r.subject for r in reports] == ["rentals 2026-04-02", "rentals 2026-04-02", "now", "now"]
    assert all(r.facts["largest_effects"] == reports[0].facts["largest_effects"] for r in reports)


def test_profiles_over_other_cells_are_refused_with_the_hint(execute: Execute, root: SnapshotRoot) -> None:
    saved = storage.save_profile(root, "now", profile(rentals(9, price=70)))
    ended = execute(drift(reference=CALM, snapshot=saved.to_dict()))
    assert isinstance(ended.error, AirflowFailException)
    assert "like=" in str(ended.error)


def test_a_contract_says_what_is_compared_and_which_rows_belong_together(execute: Execute) -> None:
    ended = execute(drift(reference=CALM, contract=CONTRACT))
    # Neither the key nor what is ignored; seats are codes; two rows a customer count for one.
    assert {c.where for c in ended.report.checks} == {"price", "plan", "seats", "back"}
    assert ended.report.kind == "drift"
    assert ended.report.facts["rows_current"] == 600
    assert ended.report.facts["effective_rows_current"] == pytest.approx(300, rel=0.1)
    (seats,) = (c for c in ended.report.checks if c.where == "seats")
    assert seats.observed["distribution"]["kind"] == "category"


@pytest.mark.parametrize("saved", [False, True], ids=["snapshot", "profile"])
@pytest.mark.parametrize(
    ("day", "verdict", "where"),
    [("2026-04-01", "pass", []), ("2026-04-02", "fail", ["price"]), ("2026-04-03", "fail", ["plan"])],
)
def test_serving_data_is_held_against_training_data_without_missing_the_label(
    day: str, verdict: str, where: list[str], saved: bool, execute: Execute, root: SnapshotRoot, database: Database
) -> None:
    reference: Any = CALM
    if saved:
        rows = root.open(catalogue.current(database, "rentals", "2026-04-01"))
        reference = storage.save_profile(root, "rentals", profile(rows, columns=["price", "plan", "back"])).to_dict()
    ended = execute(
        drift(
            reference=reference,
            snapshot="requests@{{ day }}",
            contract=CONTRACT,
            environment="{{ place }}",
            policy={"drift": {"numeric_threshold": 0.3}},
        ),
        day=day,
        place="serving",
    )
    assert (ended.report.kind, ended.report.verdict) == ("skew", verdict)
    assert ended.report.subject == f"requests {day} as serving"
    assert [c.where for c in ended.report.failed] == where
    assert not {"back", "id", "customer"} & {c.where for c in ended.report.checks}


class Artifacts:
    """What is logged to MLflow: run and folder -> the text of the page."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], str] = {}

    def log_artifact(self, run_id: str, path: str, folder: str) -> None:
        self.pages[run_id, folder] = Path(path).read_text(encoding="utf-8")


@pytest.fixture
def attached(execute: Execute) -> Callable[..., tuple[Any, dict[tuple[str, str], str]]]:
    """Check drift with a page of Evidently's; give how it ended and the pages that were logged."""

    def run(context: Any = (), **how: Any) -> tuple[Any, dict[tuple[str, str], str]]:
        task, artifacts = drift(**{"model": "m", "evidently_report": True} | how), Artifacts()
        task.__dict__["mlflow_hook"] = SimpleNamespace(client=artifacts)
        return execute(task, **dict(context)), artifacts.pages

    return run


def test_evidentlys_page_is_kept_with_the_champions_run(attached: Any, champion: Version) -> None:
    ended, pages = attached({"yes": True}, evidently_report="{{ yes }}")
    assert ended.error is None, ended.error
    assert list(pages) == [("run", "drift/2026-04-02")]
    assert "random sample: 600 of 600 reference rows and 600 of 600 current rows" in pages["run", "drift/2026-04-02"]


def test_evidentlys_page_shows_what_both_sides_have_and_names_what_one_lacks(
    champion: Version, root: SnapshotRoot, tmp_path: Path
) -> None:
    rows = root.open(root.write("rentals", rentals(6).drop(columns="plan").assign(surcharge=1.0)))
    task = drift(model="m")
    task.__dict__["store"] = SimpleNamespace(snapshots=root)
    task._write_evidently(champion, rows, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"Drift in column '(\w+)'", page) == ["price"]
    assert "Not shown: plan (not in the current data)" in page
    assert "surcharge" not in page


@pytest.mark.parametrize("switch", [False, "False", "{{ params_of_form }}", "no", ""])
def test_a_switch_that_a_template_has_made_text_of_is_read(switch: Any, attached: Any, champion: Version) -> None:
    ended, pages = attached(evidently_report=switch)
    assert (ended.error, pages) == (None, {})


def test_a_page_that_cannot_be_made_is_missed_and_the_verdict_stands(
    attached: Any, champion: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_to_show(*args: Any, **kwargs: Any) -> None:
        raise BadInput("no column can be shown by Evidently")

    monkeypatch.setattr("airflow_mlops.core.drift.data.evidently_report.write_evidently_report", nothing_to_show)
    ended, pages = attached()
    assert (ended.error, ended.result["verdict"], pages) == (None, "fail", {})
    ended, _ = attached(task_id="told", when_failed="fail")
    assert isinstance(ended.error, AirflowFailException)
    assert ended.report.id in str(ended.error)


def test_a_page_that_cannot_be_stored_is_missed_and_the_verdict_stands(
    attached: Any, champion: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_run(*args: Any) -> None:
        raise NotFound("the run was deleted")

    monkeypatch.setattr(Artifacts, "log_artifact", no_run)
    ended, pages = attached()
    assert (ended.error, ended.result["verdict"], pages) == (None, "fail", {})


def test_a_version_without_its_training_rows_has_no_page_and_a_verdict(
    attached: Any, database: Database, champion: Version
) -> None:
    with database.session() as session:
        session.get_one(Version, ("m", 1)).data = {}
    ended, pages = attached()
    assert (ended.error, ended.result["verdict"], pages) == (None, "fail", {})


def test_slices_another_version_and_the_day_before_have_windows_of_their_own(
    execute: Execute, champion: Version, database: Database
) -> None:
    execute(drift(model="m", version="1", slices="plan", task_id="a"))
    execute(drift(model="m", against="previous", task_id="b"))
    found = windows.of_model(database, "m", "drift", slice_=None)
    assert [(w.slice, w.verdict) for w in found] == [("", "fail"), ("plan=day", "fail"), ("plan=month", "fail")]
    (before,) = windows.of_model(database, "m", "drift", against="previous")
    assert (before.verdict, before.inputs["previous"]) == (  # type: ignore[index]
        "fail",
        catalogue.current(database, "rentals", "2026-04-01").id,
    )
