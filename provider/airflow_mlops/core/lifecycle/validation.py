"""Checks of a lifecycle against its contract, policy, files and functions."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.common.imports import find_file, resolve_callable
from airflow_mlops.common.policy import load_section
from airflow_mlops.core.data.sources import ROW_SOURCES, choose_source
from airflow_mlops.core.lifecycle.sections import SourceSpec, TrainingSpec
from airflow_mlops.core.lifecycle.spec import Lifecycle

if TYPE_CHECKING:
    from airflow_mlops.core.data.contracts import Contract
    from airflow_mlops.core.gate.policy import GatePolicy
    from airflow_mlops.core.retraining.policy import EpisodePolicy


def find_spec_errors(spec: Lifecycle) -> list[str]:
    """Check a lifecycle beyond its own keys, and return one message per error.

    Opens the referenced files and imports the functions, as tasks do; uses no database.
    """
    return [*_sources(spec), *_contract(spec), *_policy(spec), *_training(spec)]


def _sources(spec: Lifecycle) -> Iterator[str]:
    for name, source in (("features", spec.features), ("labels", spec.labels)):
        for key, function in (("rows", source.rows), ("transform", source.transform), ("binds", source.binds)):
            if isinstance(function, str):
                yield from _try_load(f"{name}.{key}", resolve_callable, function)
        yield from _query(f"{name}.sql", source)
        if source.source is not None:
            yield from _try_load(f"{name}.source", ROW_SOURCES.get, choose_source(source.arguments)[0])


def _query(where: str, source: SourceSpec) -> Iterator[str]:
    if source.sql is not None and source.sql.strip().endswith(".sql"):
        yield from _try_load(where, find_file, source.sql.strip())


def _contract(spec: Lifecycle) -> Iterator[str]:
    """Check that the contract has the target as label, and the key, slices and groups as columns."""
    from airflow_mlops.core.data.contracts import Contract

    try:
        contract = Contract.load(spec.contract_file)
        for column in contract.columns:
            contract.check_violations(column)
    except MlopsError as error:
        yield _error_message("contract", error)
        return
    if spec.environment is not None and spec.environment not in contract.environments:
        yield _unknown("environment", spec.environment, contract.environments, "the contract's environments")
    if contract.label != spec.target:
        yield f"target: {spec.target!r}, but the contract's label is {contract.label!r}: set role: label for it"
    yield from _columns(spec, contract)


def _columns(spec: Lifecycle, contract: Contract) -> Iterator[str]:
    columns_by_key: dict[str, tuple[str, ...]] = {"key": (spec.key,), "target": (spec.target,)}
    if spec.training is not None:
        columns_by_key |= {"training.slices": spec.training.slices, "training.groups": spec.training.groups}
    for where, columns in columns_by_key.items():
        for column in columns:
            if column not in contract.columns:
                yield _unknown(where, column, contract.columns, "the contract's columns")
    if spec.environment in contract.environments and spec.training is not None:
        served = contract.for_environment(spec.environment)
        if spec.target in served.features or (served.label == spec.target and served.columns[spec.target].required):
            yield f"environment: {spec.environment!r} still has the label {spec.target!r}: add it to its `without`"


def _policy(spec: Lifecycle) -> Iterator[str]:
    from airflow_mlops.core.drift.concept import ConceptPolicy
    from airflow_mlops.core.drift.data import DriftPolicy
    from airflow_mlops.core.gate.policy import GatePolicy
    from airflow_mlops.core.monitoring.performance import PerformancePolicy
    from airflow_mlops.core.retraining.episodes import EpisodePolicy

    sections: dict[str, Any] = {
        "gate": GatePolicy,
        "drift": DriftPolicy,
        "concept": ConceptPolicy,
        "performance": PerformancePolicy,
        "episode": EpisodePolicy,
    }
    for section, model in sections.items():
        try:
            policy = load_section(model, spec.policy_file, section)
        except MlopsError as error:
            yield _error_message(f"policy, {section}", error)
            if not _file_exists(spec.policy_file):
                return
            continue
        if section == "gate" and spec.training is not None:
            yield from _gate(spec.training, policy)
        if section == "episode" and spec.training is not None:
            yield from _retraining(spec.training, policy)


def _gate(training: TrainingSpec, gate: GatePolicy) -> Iterator[str]:
    """Check that the evaluation computes what the gate requires."""
    from airflow_mlops.core.metrics import get_metric

    try:
        task, gate_task = get_metric(training.metric).task, get_metric(gate.metric).task
    except MlopsError as error:
        yield f"training.metric: {error.what}; {error.hint}"
        return
    if task != gate_task:
        yield f"training.metric: {training.metric} is for a {task} task, the gate's {gate.metric} for a {gate_task} one"
    for where, required, evaluated in (
        ("slices", gate.slices.columns if gate.slices else (), training.slices),
        ("groups", tuple(gate.fairness), training.groups),
    ):
        if missing := [column for column in required if column not in evaluated]:
            yield f"training.{where}: the gate requires {missing}, which the evaluation does not cover: add them"
    if gate.approval != "never" and training.approval is None:
        yield f"training.approval: null, but the gate may hold (approval: {gate.approval}): it would reject instead"


def _retraining(training: TrainingSpec, episode: EpisodePolicy) -> Iterator[str]:
    """Check that a retraining can start as the policy requires."""
    if episode.retraining.start_from == "tuning" and training.tune is None:
        yield (
            "training.tune: null, but the policy's episode starts a retraining from a new tuning: it would fall back "
            "to the candidates; set tune.space"
        )


def _training(spec: Lifecycle) -> Iterator[str]:
    """Check that the candidates, the model tests and the card's text exist."""
    from airflow_mlops.core.model_tests import CustomTests

    training = spec.training
    if training is None:
        return
    for number, candidate in enumerate(training.candidates):
        path = candidate if isinstance(candidate, str) else candidate.build
        yield from _try_load(f"training.candidates.{number}", resolve_callable, path)
    if training.self_tests is not None:
        yield from _try_load("training.self_tests", CustomTests.load, training.self_tests)
    if training.about is not None and "\n" not in training.about:
        yield from _try_load("training.about", find_file, training.about)


def _file_exists(path: str) -> bool:
    try:
        return find_file(path).is_file()
    except BadInput:
        return False


def _try_load(where: str, load: Callable[[Any], object], value: Any) -> Iterator[str]:
    """Load a value as a task would, and yield the error, if any."""
    try:
        load(value)
    except MlopsError as error:
        yield _error_message(where, error)


def _error_message(where: str, error: MlopsError) -> str:
    return f"{where}: {error}"


def _unknown(where: str, name: str, valid: Collection[str], what: str) -> str:
    matches = difflib.get_close_matches(name, list(valid), n=1)
    hint = f"did you mean {matches[0]!r}?" if matches else f"valid: {', '.join(sorted(valid)[:12]) or 'none'}"
    return f"{where}: {name!r} is not among {what}; {hint}"
