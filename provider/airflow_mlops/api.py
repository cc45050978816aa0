"""The public interface: what other code may build on.

Operators, sensors, triggers, hooks, notifiers, decorators and task groups keep their own modules. Everything else in
the package is private (docs/stability.md). Names are imported on first use, so importing this module costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlops.common.errors import BadInput as BadInput
    from airflow_mlops.common.errors import Conflict as Conflict
    from airflow_mlops.common.errors import MlopsError as MlopsError
    from airflow_mlops.common.errors import NotFound as NotFound
    from airflow_mlops.common.errors import Refused as Refused
    from airflow_mlops.common.errors import StoreNotReady as StoreNotReady
    from airflow_mlops.common.errors import Superseded as Superseded
    from airflow_mlops.common.refs import ModelVersionRef as ModelVersionRef
    from airflow_mlops.common.refs import ProfileRef as ProfileRef
    from airflow_mlops.common.refs import ReportRef as ReportRef
    from airflow_mlops.common.refs import RunRef as RunRef
    from airflow_mlops.common.refs import SnapshotRef as SnapshotRef
    from airflow_mlops.common.report import Check as Check
    from airflow_mlops.common.report import Report as Report
    from airflow_mlops.core.data.contracts import Contract as Contract
    from airflow_mlops.core.data.contracts.contract_check import ContractCheck as ContractCheck
    from airflow_mlops.core.data.contracts.contract_inference import infer_contract as infer_contract
    from airflow_mlops.core.data.database import DatabaseTable as DatabaseTable
    from airflow_mlops.core.data.files import read_file as read_file
    from airflow_mlops.core.data.profiles import ColumnProfile as ColumnProfile
    from airflow_mlops.core.data.profiles import Profile as Profile
    from airflow_mlops.core.data.profiles import profile as profile
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot as Snapshot
    from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot as SnapshotRoot
    from airflow_mlops.core.data.sources import RowSource as RowSource
    from airflow_mlops.core.data.sql.dialect import Dialect as Dialect
    from airflow_mlops.core.data.sql.postgres import PostgresDialect as PostgresDialect
    from airflow_mlops.core.data.sql.sqlite import SqliteDialect as SqliteDialect
    from airflow_mlops.core.data.validation import validate as validate
    from airflow_mlops.core.data.validation.quarantine import quarantine as quarantine
    from airflow_mlops.core.drift.concept import ConceptPolicy as ConceptPolicy
    from airflow_mlops.core.drift.concept import LabelRelation as LabelRelation
    from airflow_mlops.core.drift.concept import check_concept_drift as check_concept_drift
    from airflow_mlops.core.drift.concept import relate as relate
    from airflow_mlops.core.drift.data import DriftPolicy as DriftPolicy
    from airflow_mlops.core.drift.data import check_drift as check_drift
    from airflow_mlops.core.drift.data.drift_methods import DriftEffect as DriftEffect
    from airflow_mlops.core.drift.data.drift_methods import DriftMethod as DriftMethod
    from airflow_mlops.core.drift.data.skew import check_skew as check_skew
    from airflow_mlops.core.gate import Evidence as Evidence
    from airflow_mlops.core.gate import GatePolicy as GatePolicy
    from airflow_mlops.core.gate import decide as decide
    from airflow_mlops.core.metrics import Metric as Metric
    from airflow_mlops.core.metrics import get_metric as get_metric
    from airflow_mlops.core.model_tests import Case as Case
    from airflow_mlops.core.model_tests import CustomTests as CustomTests
    from airflow_mlops.core.model_tests import Direction as Direction
    from airflow_mlops.core.model_tests import Invariance as Invariance
    from airflow_mlops.core.model_tests import ModelScorer as ModelScorer
    from airflow_mlops.core.model_tests import ModelUnderTest as ModelUnderTest
    from airflow_mlops.core.model_tests import about as about
    from airflow_mlops.core.model_tests import at_least as at_least
    from airflow_mlops.core.model_tests import at_most as at_most
    from airflow_mlops.core.model_tests import between as between
    from airflow_mlops.core.model_tests import run_model_tests as run_model_tests
    from airflow_mlops.core.models.artifact import load_model as load_model
    from airflow_mlops.core.models.native import ModelFormat as ModelFormat
    from airflow_mlops.core.models.native import wrap_network as wrap_network
    from airflow_mlops.core.models.prediction import predict as predict
    from airflow_mlops.core.monitoring.performance import PerformancePolicy as PerformancePolicy
    from airflow_mlops.core.retraining.policy import EpisodePolicy as EpisodePolicy
    from airflow_mlops.core.training.leakage import check_leakage as check_leakage
    from airflow_mlops.core.training.splits import KeyRule as KeyRule
    from airflow_mlops.core.training.splits import SplitFractions as SplitFractions
    from airflow_mlops.core.training.splits import SplitRule as SplitRule
    from airflow_mlops.core.training.splits import StableSplitRule as StableSplitRule
    from airflow_mlops.core.training.splits import TimeRule as TimeRule
    from airflow_mlops.core.training.splits import join_key_columns as join_key_columns
    from airflow_mlops.execution.runtimes import Docker as Docker
    from airflow_mlops.execution.runtimes import ExternalPython as ExternalPython
    from airflow_mlops.execution.runtimes.base import RemoteRuntime as RemoteRuntime
    from airflow_mlops.execution.runtimes.base import RemoteStep as RemoteStep
    from airflow_mlops.execution.runtimes.command import CommandStep as CommandStep
    from airflow_mlops.execution.runtimes.process import StepOutput as StepOutput
    from airflow_mlops.execution.runtimes.process import StepProcess as StepProcess
    from airflow_mlops.execution.steps.outcome import StepOutcome as StepOutcome
    from airflow_mlops.macros import champion_as_of as champion_as_of

_MODULES = {
    "common.errors": ("BadInput", "Conflict", "MlopsError", "NotFound", "Refused", "StoreNotReady", "Superseded"),
    "common.refs": ("ModelVersionRef", "ProfileRef", "ReportRef", "RunRef", "SnapshotRef"),
    "common.report": ("Check", "Report"),
    "core.data.contracts": ("Contract",),
    "core.data.contracts.contract_check": ("ContractCheck",),
    "core.data.contracts.contract_inference": ("infer_contract",),
    "core.data.database": ("DatabaseTable",),
    "core.data.files": ("read_file",),
    "core.data.profiles": ("ColumnProfile", "Profile", "profile"),
    "core.data.snapshots.snapshot": ("Snapshot", "SnapshotRoot"),
    "core.data.sources": ("RowSource",),
    "core.data.sql.dialect": ("Dialect",),
    "core.data.sql.postgres": ("PostgresDialect",),
    "core.data.sql.sqlite": ("SqliteDialect",),
    "core.data.validation": ("validate",),
    "core.data.validation.quarantine": ("quarantine",),
    "core.drift.concept": ("ConceptPolicy", "LabelRelation", "check_concept_drift", "relate"),
    "core.drift.data": ("DriftPolicy", "check_drift"),
    "core.drift.data.drift_methods": ("DriftEffect", "DriftMethod"),
    "core.drift.data.skew": ("check_skew",),
    "core.gate": ("Evidence", "GatePolicy", "decide"),
    "core.metrics": ("Metric", "get_metric"),
    "core.model_tests": (
        "Case", "CustomTests", "Direction", "Invariance", "ModelScorer", "ModelUnderTest",
        "about", "at_least", "at_most", "between", "run_model_tests",
    ),
    "core.models.artifact": ("load_model",),
    "core.models.native": ("ModelFormat", "wrap_network"),
    "core.models.prediction": ("predict",),
    "core.monitoring.performance": ("PerformancePolicy",),
    "core.retraining.policy": ("EpisodePolicy",),
    "core.training.leakage": ("check_leakage",),
    "core.training.splits": (
        "KeyRule", "SplitFractions", "SplitRule", "StableSplitRule", "TimeRule", "join_key_columns",
    ),
    "execution.runtimes": ("Docker", "ExternalPython"),
    "execution.runtimes.base": ("RemoteRuntime", "RemoteStep"),
    "execution.runtimes.command": ("CommandStep",),
    "execution.runtimes.process": ("StepOutput", "StepProcess"),
    "execution.steps.outcome": ("StepOutcome",),
    "macros": ("champion_as_of",),
}  # fmt: skip
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"airflow_mlops.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
