"""The gate operator: which way it branches, and that a blocked gate never looks like a decision."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, DownstreamTasksSkipped

from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.registry import gate_version
from airflow_mlops.operators.gate import DECISION_TABLE, EvaluationGateOperator
from airflow_mlops.store import reports, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

CHALLENGER = ModelVersionRef("m", 2, "d" * 64, "run", "2026-04-06")


SEEN: dict[str, Any] = {}


class Instance(SimpleNamespace):
    """A task instance that keeps what is pushed."""

    def __init__(self, task: Any) -> None:
        super().__init__(dag_id="d", run_id="r", task_id=task.task_id, map_index=-1, task=task, pushed={})

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def gated(
    decision: str, database: Database, monkeypatch: pytest.MonkeyPatch, **how: Any
) -> tuple[EvaluationGateOperator, Instance]:
    """Make a gate whose decision is given, with one task behind each way out."""
    status = "pass" if decision in ("promote", "promote_first") else "fail"
    report = Report.from_checks("gate", "m v2", [Check("minimum gain", status)], decision=decision)
    evaluation = Report.from_checks("evaluation", "m v2", [Check("roc_auc", "pass", "info")])
    reports.publish(database, evaluation, actor="test")
    versions.add(
        database,
        Version(
            model="m", version=2, digest="d" * 64, run_id="run", artifact_uri="/nowhere", cutoff=None, candidate="c",
            data={}, baseline={}, contract=None, actor="test", recorded_at=now(),
        ),
    )  # fmt: skip
    monkeypatch.setattr(gate_version, "gate_version", lambda *args, **kwargs: SEEN.update(kwargs) or report)
    with DAG("d"):
        gate = EvaluationGateOperator(
            task_id="gate",
            evaluation=evaluation.ref().to_dict(),
            challenger=CHALLENGER.to_dict(),
            **{"if_promote": "promote", "if_hold": "hold", "if_reject": "reject"} | how,
        )
        promote, hold, reject = (EmptyOperator(task_id=t) for t in ("promote", "hold", "reject"))
        gate >> [promote, hold, reject]
        hold >> promote
    gate.__dict__["store"] = SimpleNamespace(database=database, snapshots=None)
    return gate, Instance(gate)


@pytest.mark.parametrize(
    ("decision", "skipped"),
    [
        ("promote", {"hold", "reject"}),
        ("promote_first", {"hold", "reject"}),
        ("hold", {"reject"}),  # promotion stays reachable: a person may approve
        ("reject", {"promote", "hold"}),
    ],
)
def test_each_decision_follows_its_own_way_and_skips_the_others(
    decision: str, skipped: set[str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ti = gated(decision, database, monkeypatch)
    with pytest.raises(DownstreamTasksSkipped) as skip:
        gate.execute({"ti": ti})
    assert {t if isinstance(t, str) else t[0] for t in skip.value.tasks} == skipped
    assert ti.pushed["return_value"]["decision"] == decision
    assert versions.get(database, "m", 2).gate_decision == decision


def test_without_a_way_for_hold_a_held_challenger_is_treated_as_rejected(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ti = gated("hold", database, monkeypatch, if_hold=None)
    with pytest.raises(DownstreamTasksSkipped) as skip:
        gate.execute({"ti": ti})
    assert "promote" in {t if isinstance(t, str) else t[0] for t in skip.value.tasks}


def test_a_blocked_gate_fails_the_task_after_its_report_is_published(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ti = gated("blocked", database, monkeypatch)
    with pytest.raises(AirflowFailException, match="blocked"):
        gate.execute({"ti": ti})
    (published,) = reports.of_actor(database, "d/r/gate/")
    assert published.decision == "blocked"
    assert versions.get(database, "m", 2).gate_decision == "blocked"
    assert "return_value" not in ti.pushed


def test_an_evaluation_without_evidence_is_blocked_and_published_not_an_error_of_python(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ti = gated("promote", database, monkeypatch)
    monkeypatch.undo()  # the gate itself decides
    with pytest.raises(AirflowFailException, match="it was not evaluated"):
        gate.execute({"ti": ti})
    (published,) = reports.of_actor(database, "d/r/gate/")
    assert published.decision == versions.get(database, "m", 2).gate_decision == "blocked"
    assert "return_value" not in ti.pushed


def test_the_decision_is_left_as_a_table_for_whoever_has_to_approve(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ti = gated("hold", database, monkeypatch)
    with pytest.raises(DownstreamTasksSkipped):
        gate.execute({"ti": ti})
    assert ti.pushed[DECISION_TABLE].startswith("**hold**: m v2")
    assert "| minimum gain |" in ti.pushed[DECISION_TABLE]


def test_self_tests_reach_the_gate_by_their_reference(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = Report.from_checks("self_test", "m v2", [Check("reload", "pass")])
    reports.publish(database, tests, actor="test")
    for result, wanted in ((tests.ref().to_dict(), tests.id), (None, None)):
        gate, ti = gated("promote", database, monkeypatch, self_tests=result)
        with pytest.raises(DownstreamTasksSkipped):
            gate.execute({"ti": ti})
        assert getattr(SEEN["self_tests"], "id", None) == wanted
    assert "self_tests" in EvaluationGateOperator.template_fields
