"""Whether what ``lifecycle.yaml`` names is there, and fits together."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.imports import find_file, resolve
from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.core.lifecycle.steps import Source, TrainingSpec
from airflow_mlops.core.policy import load_section

if TYPE_CHECKING:
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.evaluation.gate.policy import GatePolicy
    from airflow_mlops.core.monitoring.episode_policy import EpisodePolicy


def check(spec: Lifecycle) -> list[str]:
    """Look for what is wrong with a lifecycle beside its own keys; gives one text for each mistake, none if it holds.

    Opens the files and imports the functions that it names, as tasks will; asks no database.
    """
    return [*_sources(spec), *_contract(spec), *_policy(spec), *_training(spec)]


def _sources(spec: Lifecycle) -> Iterator[str]:
    for name, source in (("features", spec.features), ("labels", spec.labels)):
        for key, function in (("rows", source.rows), ("transform", source.transform), ("binds", source.binds)):
            if isinstance(function, str):
                yield from _tried(f"{name}.{key}", resolve, function)
        yield from _query(f"{name}.sql", source)


def _query(where: str, source: Source) -> Iterator[str]:
    if source.sql is not None and source.sql.strip().endswith(".sql"):
        yield from _tried(where, find_file, source.sql.strip())


def _contract(spec: Lifecycle) -> Iterator[str]:
    """Look into the contract: is the label the target, and are key, slices and groups its columns?"""
    from airflow_mlops.core.data.contracts import Contract

    try:
        contract = Contract.load(spec.contract_file)
    except MlopsError as error:
        yield _told("contract", error)
        return
    if spec.environment is not None and spec.environment not in contract.environments:
        yield _unknown("environment", spec.environment, contract.environments, "the contract's environments")
    if contract.label != spec.target:
        yield f"target: {spec.target!r}, but the contract's label is {contract.label!r}: give that column role: label"
    yield from _columns(spec, contract)


def _columns(spec: Lifecycle, contract: Contract) -> Iterator[str]:
    named: dict[str, tuple[str, ...]] = {"key": (spec.key,), "target": (spec.target,)}
    if spec.training is not None:
        named |= {"training.slices": spec.training.slices, "training.groups": spec.training.groups}
    for where, columns in named.items():
        for column in columns:
            if column not in contract.columns:
                yield _unknown(where, column, contract.columns, "the contract's columns")
    if spec.environment in contract.environments and spec.training is not None:
        served = contract.for_environment(spec.environment)
        if spec.target in served.features or (served.label == spec.target and served.columns[spec.target].required):
            yield f"environment: {spec.environment!r} still has the label {spec.target!r}: add it to its `without`"


def _policy(spec: Lifecycle) -> Iterator[str]:
    from airflow_mlops.core.data.concept import ConceptPolicy
    from airflow_mlops.core.data.drift import DriftPolicy
    from airflow_mlops.core.evaluation.gate.policy import GatePolicy
    from airflow_mlops.core.monitoring.episodes import EpisodePolicy
    from airflow_mlops.core.monitoring.performance import PerformancePolicy

    sections: dict[str, Any] = {
        "gate": GatePolicy,
        "drift": DriftPolicy,
        "concept": ConceptPolicy,
        "performance": PerformancePolicy,
        "episode": EpisodePolicy,
    }
    for section, model in sections.items():
        try:
            found = load_section(model, spec.policy_file, section)
        except MlopsError as error:
            yield _told(f"policy, {section}", error)
            if not _is_there(spec.policy_file):
                return
            continue
        if section == "gate" and spec.training is not None:
            yield from _gate(spec.training, found)
        if section == "episode" and spec.training is not None:
            yield from _start(spec.training, found)


def _gate(training: TrainingSpec, gate: GatePolicy) -> Iterator[str]:
    """Look whether the evaluation has what the gate will ask for."""
    from airflow_mlops.core.metrics import METRICS

    if training.metric not in METRICS:
        yield _unknown("training.metric", training.metric, METRICS, "the metrics")
        return
    if gate.metric in METRICS and METRICS[gate.metric].task != METRICS[training.metric].task:
        yield (
            f"training.metric: {training.metric} is for a {METRICS[training.metric].task} task, the gate's "
            f"{gate.metric} for a {METRICS[gate.metric].task} one"
        )
    for where, asked, given in (
        ("slices", gate.slices.columns if gate.slices else (), training.slices),
        ("groups", tuple(gate.fairness), training.groups),
    ):
        if missing := [column for column in asked if column not in given]:
            yield f"training.{where}: the gate judges {missing}, which the evaluation would not look at: add them"
    if gate.approval != "never" and training.approval is None:
        yield f"training.approval: null, but the gate may hold (approval: {gate.approval}): that would be a rejection"


def _start(training: TrainingSpec, episode: EpisodePolicy) -> Iterator[str]:
    """Look whether a retraining can start from what the policy says."""
    if episode.retraining.start_from == "tuning" and training.tune is None:
        yield (
            "training.tune: null, but the policy's episode starts a retraining from a new tuning: it would start from "
            "the candidates; give tune its space"
        )


def _training(spec: Lifecycle) -> Iterator[str]:
    """Look whether the candidates, the self-tests and the text are there."""
    from airflow_mlops.core.evaluation.self_tests import Written

    training = spec.training
    if training is None:
        return
    for number, candidate in enumerate(training.candidates):
        path = candidate if isinstance(candidate, str) else candidate.build
        yield from _tried(f"training.candidates.{number}", resolve, path)
    if training.self_tests is not None:
        yield from _tried("training.self_tests", Written.load, training.self_tests)
    if training.about is not None and "\n" not in training.about:
        yield from _tried("training.about", find_file, training.about)


def _is_there(path: str) -> bool:
    try:
        return find_file(path).is_file()
    except BadInput:
        return False


def _tried(where: str, what: Callable[[str], object], value: str) -> Iterator[str]:
    """Try what a task will do, and say what is wrong with it."""
    try:
        what(value)
    except MlopsError as error:
        yield _told(where, error)


def _told(where: str, error: MlopsError) -> str:
    return f"{where}: {error}"


def _unknown(where: str, name: str, known: Collection[str], what: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"those are {', '.join(sorted(known)[:12]) or 'none'}"
    return f"{where}: {name!r} is not among {what}; {meant}"
