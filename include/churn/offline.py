"""The churn story without a scheduler: the same core functions that the operators call, week after week.

Quick enough to try many seeds: ``python -m include.churn.offline --seeds 10 --size 3000``.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.churn import backtest, business, calendar, database, features
from include.churn.bundle import CANDIDATES, CONTRACT, MODEL, POLICY, TEST_SHARE, VALIDATION_SHARE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

    from airflow_mlops.core.data import Contract
    from airflow_mlops.core.data.snapshot import SnapshotRoot
    from airflow_mlops.core.monitoring.retraining import Cause, TrainingPlan
    from airflow_mlops.core.refs import ModelVersionRef, SnapshotRef
    from airflow_mlops.core.report import Report
    from airflow_mlops.core.training.candidate import Candidate
    from airflow_mlops.store.database import Database


@dataclass
class World:
    """Where everything is kept, and what happened."""

    source: Engine
    store: Database
    root: SnapshotRoot
    mlflow: MlflowClient
    drift: dict[str, str] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def new(cls, folder: Path, *, seed: int, size: int, change: bool) -> World:
        """Build a fresh business, store, snapshot root and MLflow in a folder."""
        from mlflow import MlflowClient
        from sqlalchemy import create_engine

        from airflow_mlops.core.data.snapshot import SnapshotRoot
        from airflow_mlops.store.database import Database

        source = create_engine(f"sqlite:///{folder}/business.db")
        database.write(business.build(seed, size, change), source)
        store = Database(f"sqlite:///{folder}/store.db")
        store.upgrade()
        tracking = f"sqlite:///{folder}/mlflow.db"
        client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
        client.create_experiment("churn_training", artifact_location=(folder / "artifacts").as_uri())
        return cls(source, store, SnapshotRoot((folder / "snapshots").as_uri()), client)


def run(world: World) -> World:
    """Live through the whole calendar: history, first champion, then week after week."""
    for week in calendar.weeks(calendar.FIRST_WEEK, calendar.LAST_WEEK):
        partition = calendar.key(week)
        ingest(world, partition)
        if week < calendar.HISTORY_END:
            continue
        if week == calendar.HISTORY_END:
            retrain(world, "hand", f"hand_{partition}")
            continue
        score(world, partition)
        watch(world, partition)
        retrain(world, "drift", f"drift_{partition}")
    return world


def ingest(world: World, partition: str) -> None:
    """What ``churn_features`` does."""
    import pandas as pd
    from sqlalchemy import text

    from airflow_mlops.core.data import Contract, validate
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


def score(world: World, partition: str) -> None:
    """What ``churn_scoring`` does."""
    from airflow_mlops.core.address import snapshot_at
    from airflow_mlops.core.monitoring import scoring
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.core.registry.loading import Loading, load_version
    from airflow_mlops.store import catalogue, versions

    champion = champion_at(world.store, MODEL, partition)
    if champion is None:
        return
    job = scoring.Job(
        rows=world.root.open(snapshot_at(world.store, f"churn_features@{partition}")),
        version=versions.ref(champion),
        key=[features.KEY],
        features=features.FEATURES,
        dataset="churn_scores",
    )
    ref = scoring.score(
        world.root, job, lambda: load_version(champion, world.mlflow.tracking_uri, how=Loading(in_process=True))
    )
    catalogue.record(world.store, ref)


def watch(world: World, partition: str) -> None:
    """What ``churn_monitoring`` does."""
    from airflow_mlops.core.address import snapshot_at
    from airflow_mlops.core.errors import NotFound
    from airflow_mlops.core.monitoring.concept import check_concept
    from airflow_mlops.core.monitoring.drift import check_features, check_predictions
    from airflow_mlops.core.monitoring.episodes import EpisodePolicy, advance
    from airflow_mlops.core.monitoring.performance import check_scores
    from airflow_mlops.core.policy import load_section
    from airflow_mlops.core.registry.history import champion_at
    from airflow_mlops.store import reports

    champion = champion_at(world.store, MODEL, partition)
    if champion is None:
        return
    current = world.root.open(snapshot_at(world.store, f"churn_features@{partition}"))
    report = check_features(world.store, champion, current, POLICY)
    world.drift[partition] = report.verdict
    reports.publish(world.store, report, actor=f"offline/{partition}")
    weekly = world.root.open(snapshot_at(world.store, f"churn_scores@{partition}"))
    spread = check_predictions(world.store, champion, weekly, POLICY)
    reports.publish(world.store, spread, actor=f"offline/{partition}")
    labelled = labelled_at(partition)
    try:
        scores = world.root.open(snapshot_at(world.store, f"churn_scores@{labelled}"))
        labels = world.root.open(snapshot_at(world.store, f"churn_labels@{labelled}"))
    except NotFound:
        pass  # that week was before the first champion
    else:
        judged = check_scores(
            world.store, scores, labels, model=MODEL, key=features.KEY, target=features.TARGET, policy=POLICY
        )
        reports.publish(world.store, judged, actor=f"offline/{partition}")
        rows = world.root.open(snapshot_at(world.store, f"churn_features@{labelled}"))
        relation = check_concept(
            world.store, scores, labels, rows, model=MODEL, key=features.KEY, target=features.TARGET, policy=POLICY
        )
        reports.publish(world.store, relation, actor=f"offline/{partition}")
    policy = load_section(EpisodePolicy, POLICY, "episode")
    advance(world.store, policy, model=MODEL, partition=partition, labels="churn_labels", labelled_until=labelled)


def retrain(world: World, cause: Cause, actor: str) -> None:
    """What ``churn_training`` does; nothing when there is nothing to do."""
    from airflow_mlops.core.monitoring.episodes import EpisodePolicy, finish
    from airflow_mlops.core.monitoring.retraining import plan
    from airflow_mlops.core.policy import load_section

    planned = plan(
        world.store,
        model=MODEL,
        labels="churn_labels",
        cause=cause,
        actor=actor,
        window=12,
        label_delay=calendar.LABEL_HORIZON,
        start_from=load_section(EpisodePolicy, POLICY, "episode").retraining.start_from,
    )
    if planned is None:
        return
    decision = challenge(world, planned, actor)
    world.decisions.append({"actor": actor, "plan": planned.to_dict(), "decision": decision})
    if planned.episode is not None:
        finish(
            world.store,
            planned.episode,
            actor=actor,
            outcome="promoted" if decision in ("promote", "bootstrap") else "rejected",
        )


def challenge(world: World, planned: TrainingPlan, actor: str) -> str | None:
    """Train the candidates, choose, register, gate, and promote if the gate says so; gives its decision."""
    from airflow_mlops.core.data import Contract, profile
    from airflow_mlops.core.data.training_set import labelled_rows
    from airflow_mlops.core.evaluation import GatePolicy
    from airflow_mlops.core.evaluation.asked import Asked
    from airflow_mlops.core.policy import load_section
    from airflow_mlops.core.registry import comparison, gating, promotion
    from airflow_mlops.core.registry.registration import register
    from airflow_mlops.core.training import fit
    from airflow_mlops.core.training.splits import KeyRule, Shares, split
    from airflow_mlops.store import catalogue, reports, versions
    from airflow_mlops.store.clock import from_iso

    contract = Contract.load(CONTRACT)
    feature_refs, label_refs = (
        catalogue.partitions(world.store, dataset, planned.first, planned.cutoff)
        for dataset in ("churn_features", "churn_labels")
    )
    rows = labelled_rows(world.root, feature_refs, label_refs, features.KEY)
    whole = world.root.open(world.root.write("churn_training_set", rows, partition=planned.cutoff))
    parts = split(world.root, whole, KeyRule(features.KEY, Shares(TEST_SHARE, VALIDATION_SHARE)))
    runs = [
        fit.train(
            world.mlflow,
            world.store,
            candidate,
            train=world.root.open(parts["train"]),
            validation=world.root.open(parts["validation"]),
            experiment="churn_training",
            key=f"{actor}/train/{number}",
        )
        for number, candidate in enumerate(_candidates(world, planned, contract))
    ]
    train_rows = world.root.open(parts["train"]).scan()
    baseline = profile(train_rows, columns=contract.features, cluster=contract.cluster)
    challenger: ModelVersionRef = register(
        world.mlflow,
        world.store,
        model=MODEL,
        run=fit.choose(runs),
        data=parts,
        baseline=baseline.to_dict(),
        contract=contract.to_dict(),
        cutoff=planned.cutoff,
        key=f"{actor}/register",
    )
    judged_on = comparison.Rows(
        world.root.open(parts["test"]), [features.KEY, "partition"], features.TARGET, contract.features
    )
    evaluation = comparison.compare(
        world.store,
        world.root,
        challenger=challenger,
        rows=judged_on,
        metric="roc_auc",
        tracking_uri=world.mlflow.tracking_uri,
        asked=Asked(features.SLICES, features.GROUPS, features.CALLED_FROM, cost=True),
    )
    tested = _self_tested(world, contract, parts["validation"], challenger)
    verdict = gating.gate(
        world.store,
        world.root,
        evaluation=evaluation,
        challenger=challenger,
        policy=load_section(GatePolicy, POLICY, "gate"),
        self_tests=tested,
    )
    reports.publish(world.store, tested, actor=f"{actor}/self_test")
    reports.publish(world.store, evaluation, actor=f"{actor}/evaluate")
    reports.publish(world.store, verdict, actor=f"{actor}/gate")
    versions.bind_gate(world.store, MODEL, challenger.version, report_id=verdict.id, decision=str(verdict.decision))
    if verdict.decision in promotion.PASSING:
        promotion.promote(
            world.mlflow,
            world.store,
            challenger=challenger,
            gate=verdict.id,
            actor=f"{actor}/promote",
            reason=f"{planned.cause}: passed the gate",
            effective_at=from_iso(planned.effective_at),
        )
    return verdict.decision


def _candidates(world: World, planned: TrainingPlan, contract: Contract) -> list[Candidate]:
    """Choose what is fitted, as the DAG's step does."""
    from airflow_mlops.core.monitoring.configuration import champions_own
    from airflow_mlops.core.monitoring.starting import called, mappings, start
    from airflow_mlops.core.training.candidate import Candidate

    given = mappings(CANDIDATES)
    found = start(planned.start_from, given, lambda: champions_own(world.mlflow, world.store, MODEL, given))
    return [
        Candidate(called(one), one["build"], contract.features, features.TARGET, params=one.get("model_params") or {})
        for one in found.candidates
    ]


def _self_tested(world: World, contract: Contract, validation: SnapshotRef, challenger: ModelVersionRef) -> Report:
    """Put a version to the self-tests, as the DAG's step does."""
    from airflow_mlops.core.evaluation.self_tests import Subject, Written, self_test
    from airflow_mlops.core.registry.loading import Loading, load_version
    from airflow_mlops.core.training.candidate import Candidate, sampled
    from airflow_mlops.store import versions

    version = versions.get(world.store, challenger.model, challenger.version)
    candidate = Candidate(version.candidate, "", contract.features, features.TARGET)
    rows, target = sampled(candidate, world.root.open(validation), 2000)
    model = load_version(version, world.mlflow.tracking_uri, how=Loading(in_process=True))  # it is copied and rewritten
    subject = Subject.of(model, rows, target, metric="roc_auc", contract=contract)
    written = Written.load("include.churn.self_tests")
    return self_test(subject, written, called=str(challenger), digest=version.digest)


def labelled_at(partition: str) -> str:
    """Give the partition whose labels arrive at this one."""
    from datetime import date

    return calendar.key(calendar.last_labelled(date.fromisoformat(partition)))


def story(world: World) -> dict[str, Any]:
    """Give what is asked of a story: quiet weeks, drift in the changed week, one retraining, a better champion."""
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
        "episodes": len(episodes.all_of(world.store, MODEL)),
        "retrainings": sum(d["plan"]["cause"] == "drift" for d in world.decisions),
        "champions": [e.version for e in entries],
        "decisions": [d["decision"] for d in world.decisions],
        "smallest_gain_after_cutoff": round(min(gains), 3) if len(entries) > 1 else None,
    }


def main() -> None:
    """Run the story for several seeds and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--no-change", action="store_true")
    args = parser.parse_args()
    for seed in range(args.first, args.first + args.seeds):
        with tempfile.TemporaryDirectory(prefix="mlops-offline-") as folder:
            world = World.new(Path(folder), seed=seed, size=args.size, change=not args.no_change)
            print(seed, story(run(world)), flush=True)


if __name__ == "__main__":
    main()
