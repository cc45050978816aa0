"""The churn scenario without a scheduler: the same core functions that the operators call, week after week.

Fast enough to try many seeds: ``python -m include.churn.offline --seeds 10 --size 3000``.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.churn import backtest, business, calendar, database, features
from include.churn.bundle import CANDIDATES, CONTRACT, MODEL, POLICY, TEST_FRACTION, VALIDATION_FRACTION

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

    from airflow_mlops.common.refs import ModelVersionRef, SnapshotRef
    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
    from airflow_mlops.core.retraining.plan import Cause, TrainingPlan
    from airflow_mlops.core.training.candidate import Candidate
    from airflow_mlops.store.database import Database


@dataclass
class OfflineScenario:
    """Databases and folders of a scenario, and its results."""

    source: Engine
    store: Database
    root: SnapshotRoot
    mlflow: MlflowClient
    drift: dict[str, str] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def create(cls, folder: Path, *, seed: int, size: int, change: bool) -> OfflineScenario:
        """Create a business, store, snapshot root and MLflow in a folder."""
        from mlflow import MlflowClient
        from sqlalchemy import create_engine

        from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
        from airflow_mlops.store.database import Database

        source = create_engine(f"sqlite:///{folder}/business.db")
        database.write(business.build(seed, size, change), source)
        store = Database(f"sqlite:///{folder}/store.db")
        store.upgrade()
        tracking = f"sqlite:///{folder}/mlflow.db"
        client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
        client.create_experiment("churn_training", artifact_location=(folder / "artifacts").as_uri())
        return cls(source, store, SnapshotRoot((folder / "snapshots").as_uri()), client)


def run(world: OfflineScenario) -> OfflineScenario:
    """Run all weeks: history, first champion, then week after week."""
    for week in calendar.weeks(calendar.FIRST_WEEK, calendar.LAST_WEEK):
        partition = calendar.key(week)
        ingest(world, partition)
        if week < calendar.HISTORY_END:
            continue
        if week == calendar.HISTORY_END:
            retrain(world, "manual", f"hand_{partition}")
            continue
        score(world, partition)
        monitor(world, partition)
        retrain(world, "drift", f"drift_{partition}")
    return world


def ingest(world: OfflineScenario, partition: str) -> None:
    """Run the steps of ``churn_features``."""
    import pandas as pd
    from sqlalchemy import text

    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.validation import validate
    from airflow_mlops.store import catalogue

    def query(path: Path, binds: dict[str, str]) -> pd.DataFrame:
        with world.source.connect() as connection:
            return pd.read_sql(text(path.read_text()), connection, params=binds, dtype_backend="numpy_nullable")

    labelled = labelled_at(partition)
    if labelled >= calendar.key(calendar.FIRST_WEEK):
        rows = query(features.LABELS_SQL, features.label_binds(labelled))
        catalogue.record(world.store, world.root.write("churn_labels", rows, partition=labelled))
    rows = features.with_tenure(query(features.FEATURES_SQL, features.query_binds(partition)), partition)
    ref = world.root.write("churn_features", rows, partition=partition)
    catalogue.record(world.store, ref)
    report = validate(world.root.open(ref).scan(), Contract.load(CONTRACT), environment="serving")
    if report.verdict == "fail":
        raise AssertionError(report.summary())


def score(world: OfflineScenario, partition: str) -> None:
    """Run the steps of ``churn_scoring``."""
    from airflow_mlops.core import scoring
    from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot
    from airflow_mlops.core.models.loading import LoadingOptions, load_version
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.store import catalogue, versions

    champion = champion_at(world.store, MODEL, partition)
    if champion is None:
        return
    job = scoring.ScoringJob(
        rows=world.root.open(resolve_snapshot(world.store, f"churn_features@{partition}")),
        version=versions.ref(champion),
        key=[features.KEY],
        features=features.FEATURES,
        dataset="churn_scores",
    )
    ref = scoring.score(
        world.root,
        job,
        lambda: load_version(champion, world.mlflow.tracking_uri, loading=LoadingOptions(in_process=True)),
    )
    catalogue.record(world.store, ref)


def monitor(world: OfflineScenario, partition: str) -> None:
    """Run the steps of ``churn_monitoring``."""
    from airflow_mlops.common.errors import NotFound
    from airflow_mlops.common.policy import load_section
    from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot
    from airflow_mlops.core.monitoring.concept import check_concept
    from airflow_mlops.core.monitoring.drift import check_features, check_predictions
    from airflow_mlops.core.monitoring.performance import check_performance
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.core.retraining.episodes import EpisodePolicy, advance
    from airflow_mlops.store import reports

    champion = champion_at(world.store, MODEL, partition)
    if champion is None:
        return
    current = world.root.open(resolve_snapshot(world.store, f"churn_features@{partition}"))
    report = check_features(world.store, champion, current, POLICY)
    world.drift[partition] = report.verdict
    reports.publish(world.store, report, actor=f"offline/{partition}")
    weekly = world.root.open(resolve_snapshot(world.store, f"churn_scores@{partition}"))
    prediction_drift = check_predictions(world.store, champion, weekly, POLICY)
    reports.publish(world.store, prediction_drift, actor=f"offline/{partition}")
    labelled = labelled_at(partition)
    try:
        scores = world.root.open(resolve_snapshot(world.store, f"churn_scores@{labelled}"))
        labels = world.root.open(resolve_snapshot(world.store, f"churn_labels@{labelled}"))
    except NotFound:
        pass  # that week was before the first champion
    else:
        performance = check_performance(
            world.store, scores, labels, model=MODEL, key=features.KEY, target=features.TARGET, policy=POLICY
        )
        reports.publish(world.store, performance, actor=f"offline/{partition}")
        rows = world.root.open(resolve_snapshot(world.store, f"churn_features@{labelled}"))
        concept_drift = check_concept(
            world.store, scores, labels, rows, model=MODEL, key=features.KEY, target=features.TARGET, policy=POLICY
        )
        reports.publish(world.store, concept_drift, actor=f"offline/{partition}")
    policy = load_section(EpisodePolicy, POLICY, "episode")
    advance(world.store, policy, model=MODEL, partition=partition, labels="churn_labels", labelled_until=labelled)


def retrain(world: OfflineScenario, cause: Cause, actor: str) -> None:
    """Run the steps of ``churn_training``, if a training is training."""
    from airflow_mlops.common.policy import load_section
    from airflow_mlops.core.retraining.episodes import EpisodePolicy, finish
    from airflow_mlops.core.retraining.plan import plan_training

    training = plan_training(
        world.store,
        model=MODEL,
        labels="churn_labels",
        cause=cause,
        actor=actor,
        window=12,
        label_delay=calendar.LABEL_HORIZON,
        start_from=load_section(EpisodePolicy, POLICY, "episode").retraining.start_from,
    )
    if training is None:
        return
    decision = challenge(world, training, actor)
    world.decisions.append({"actor": actor, "plan": training.to_dict(), "decision": decision})
    if training.episode is not None:
        finish(
            world.store,
            training.episode,
            actor=actor,
            outcome="promoted" if decision in ("promote", "promote_first") else "rejected",
        )


def challenge(world: OfflineScenario, training: TrainingPlan, actor: str) -> str | None:
    """Train, select, register and gate a challenger, promote it if it passes, and return the decision."""
    from airflow_mlops.common.policy import load_section
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.data.profiles import profile
    from airflow_mlops.core.data.snapshots.training_set import join_labels
    from airflow_mlops.core.evaluation import comparison
    from airflow_mlops.core.evaluation.options import EvaluationOptions
    from airflow_mlops.core.gate import GatePolicy
    from airflow_mlops.core.registry import gate_version, promotion
    from airflow_mlops.core.registry.registration import register
    from airflow_mlops.core.training import fit
    from airflow_mlops.core.training.splits import KeyRule, SplitFractions, split_snapshot
    from airflow_mlops.store import catalogue, reports, versions
    from airflow_mlops.store.clock import from_iso

    contract = Contract.load(CONTRACT)
    feature_refs, label_refs = (
        catalogue.partitions(world.store, dataset, training.first, training.cutoff)
        for dataset in ("churn_features", "churn_labels")
    )
    rows = join_labels(world.root, feature_refs, label_refs, features.KEY)
    training_set = world.root.open(world.root.write("churn_training_set", rows, partition=training.cutoff))
    parts = split_snapshot(
        world.root, training_set, KeyRule(features.KEY, SplitFractions(TEST_FRACTION, VALIDATION_FRACTION))
    )
    runs = [
        fit.train(
            world.mlflow,
            world.store,
            candidate,
            fit.TrainingJob(
                train=world.root.open(parts["train"]),
                validation=world.root.open(parts["validation"]),
                experiment="churn_training",
                key=f"{actor}/train/{number}",
            ),
        )
        for number, candidate in enumerate(_candidates(world, training, contract))
    ]
    train_rows = world.root.open(parts["train"]).scan()
    baseline = profile(train_rows, columns=contract.features, cluster=contract.cluster)
    challenger: ModelVersionRef = register(
        world.mlflow,
        world.store,
        model=MODEL,
        run=fit.select_challenger(runs),
        data=parts,
        baseline=baseline.to_dict(),
        contract=contract.to_dict(),
        cutoff=training.cutoff,
        key=f"{actor}/register",
    )
    test_rows = comparison.GateDataset(
        world.root.open(parts["test"]), [features.KEY, "partition"], features.TARGET, contract.features
    )
    evaluation = comparison.compare_with_champion(
        world.store,
        world.root,
        challenger=challenger,
        rows=test_rows,
        metric="roc_auc",
        tracking_uri=world.mlflow.tracking_uri,
        options=EvaluationOptions(features.SLICES, features.GROUPS, features.CALL_THRESHOLD, cost=True),
    )
    model_tests = _run_model_tests(world, contract, parts["validation"], challenger)
    verdict = gate_version.gate_version(
        world.store,
        world.root,
        evaluation=evaluation,
        challenger=challenger,
        policy=load_section(GatePolicy, POLICY, "gate"),
        self_tests=model_tests,
    )
    reports.publish(world.store, model_tests, actor=f"{actor}/self_test")
    reports.publish(world.store, evaluation, actor=f"{actor}/evaluate")
    reports.publish(world.store, verdict, actor=f"{actor}/gate")
    versions.bind_gate(world.store, MODEL, challenger.version, report_id=verdict.id, decision=str(verdict.decision))
    if verdict.decision in promotion.PASSING_DECISIONS:
        promotion.promote(
            world.mlflow,
            world.store,
            challenger=challenger,
            gate=verdict.id,
            actor=f"{actor}/promote",
            reason=f"{training.cause}: passed the gate",
            effective_at=from_iso(training.effective_at),
        )
    return verdict.decision


def _candidates(world: OfflineScenario, training: TrainingPlan, contract: Contract) -> list[Candidate]:
    """Select the candidates, as the DAG's task does."""
    from airflow_mlops.core.retraining.candidates import candidate_name, normalise_candidates, select_candidates
    from airflow_mlops.core.retraining.champion_config import load_champion_config
    from airflow_mlops.core.training.candidate import Candidate

    configured = normalise_candidates(CANDIDATES)
    selection = select_candidates(
        training.start_from, configured, lambda: load_champion_config(world.mlflow, world.store, MODEL, configured)
    )
    return [
        Candidate(
            candidate_name(spec),
            spec["build"],
            contract.features,
            features.TARGET,
            params=spec.get("model_params") or {},
        )
        for spec in selection.candidates
    ]


def _run_model_tests(
    world: OfflineScenario, contract: Contract, validation: SnapshotRef, challenger: ModelVersionRef
) -> Report:
    """Run the model tests on a version, as the DAG's task does."""
    from airflow_mlops.core.model_tests import CustomTests, ModelUnderTest, run_model_tests
    from airflow_mlops.core.models.loading import LoadingOptions, load_version
    from airflow_mlops.core.training.candidate import Candidate, sample_labelled_rows
    from airflow_mlops.store import versions

    version = versions.get(world.store, challenger.model, challenger.version)
    candidate = Candidate(version.candidate, "", contract.features, features.TARGET)
    rows, target = sample_labelled_rows(candidate, world.root.open(validation), 2000)
    model = load_version(
        version, world.mlflow.tracking_uri, loading=LoadingOptions(in_process=True)
    )  # the tests copy and modify it
    subject = ModelUnderTest.from_model(model, rows, target, metric="roc_auc", contract=contract)
    custom_tests = CustomTests.load("include.churn.self_tests")
    return run_model_tests(subject, custom_tests, model_name=str(challenger), digest=version.digest)


def labelled_at(partition: str) -> str:
    """Return the partition whose labels arrive at this one."""
    from datetime import date

    return calendar.key(calendar.last_labelled(date.fromisoformat(partition)))


def summarise(world: OfflineScenario) -> dict[str, Any]:
    """Summarise a scenario: alarms in quiet weeks, drift after the change, retrainings and champions."""
    from airflow_mlops.store import episodes, ledger, versions, windows

    change = calendar.key(calendar.CHANGE_WEEK)
    quiet = [v for p, v in world.drift.items() if p < change]
    entries = ledger.history(world.store, MODEL)[::-1]
    backtest.backtest(world.store, world.root, world.mlflow.tracking_uri)
    newest = versions.get(world.store, MODEL, entries[-1].version)
    values = {(w.version, w.partition): w.value for w in windows.of_model(world.store, MODEL, backtest.BACKTEST)}
    later = sorted({p for _, p in values if p > str(newest.cutoff)})
    gains = [(values[newest.version, p] or 0) - (values[entries[0].version, p] or 0) for p in later]
    return {
        "quiet": len(quiet),
        "alarms_in_quiet_weeks": sum(v == "fail" for v in quiet),
        "first_changed_week": world.drift.get(change),
        "episodes": len(episodes.of_model(world.store, MODEL)),
        "retrainings": sum(d["plan"]["cause"] == "drift" for d in world.decisions),
        "champions": [e.version for e in entries],
        "decisions": [d["decision"] for d in world.decisions],
        "smallest_gain_after_cutoff": round(min(gains), 3) if len(entries) > 1 else None,
    }


def main() -> None:
    """Run the scenario for several seeds and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="number of seeds, starting at --first")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--no-change", action="store_true")
    args = parser.parse_args()
    for seed in range(args.first, args.first + args.seeds):
        with tempfile.TemporaryDirectory(prefix="mlops-offline-") as folder:
            world = OfflineScenario.create(Path(folder), seed=seed, size=args.size, change=not args.no_change)
            print(seed, summarise(run(world)), flush=True)


if __name__ == "__main__":
    main()
