"""Consistency checks between the lifecycle store and MLflow, which are two databases with separate backups.

The ledger decides who is champion, and the store what belongs to a version. So a difference is either a change that
MLflow has yet to follow, or a sign that one of the two was restored from an older backup. Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_mlops.common.report import Check, Report, Severity
from airflow_mlops.core.tracking.tags import KEY_TAG
from airflow_mlops.store import ledger, models
from airflow_mlops.store.database import Database
from airflow_mlops.store.models import VersionIdentity
from airflow_mlops.store.tables import LedgerEntry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class MlflowVersion:
    """A version in MLflow.

    :param from_task: whether one of our tasks registered it.
    :param digest: the digest in its tag; ``None`` without one.
    :param revision: the ledger revision in its tag, from when it became champion; 0 when it never did.
    """

    run_id: str | None
    from_task: bool
    digest: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class MlflowModel:
    """A model in MLflow.

    :param exists: whether MLflow has the model.
    """

    exists: bool
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[int, MlflowVersion] = field(default_factory=dict)


def check_consistency(client: MlflowClient, database: Database, model: str) -> Report:
    """Compare the store's records of a model with MLflow's.

    :returns: a report of the kind ``consistency``: failed where a consumer can be misled or cannot be served, warned
        where the next promotion or cleanup repairs it.
    """
    entries, registered = ledger.history(database, model, limit=2), models.registered_versions(database, model)
    registry = read_mlflow_model(client, model)
    facts = {
        "champion": entries[0].version if entries else None,
        "revision": entries[0].revision if entries else None,
        "versions": len(registered),
        "versions_in_mlflow": len(registry.versions),
    }
    return Report.from_checks("consistency", model, compare_records(entries, registered, registry), facts=facts)


def read_mlflow_model(client: MlflowClient, model: str) -> MlflowModel:
    """Read a model with its aliases and versions from MLflow."""
    from mlflow.exceptions import MlflowException

    try:
        registered_model = client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return MlflowModel(exists=False)
    aliases = {alias: int(version) for alias, version in registered_model.aliases.items()}
    versions, token = {}, None
    while True:
        page = client.search_model_versions(f"name = '{model}'", max_results=_PAGE_SIZE, page_token=token)
        versions.update({int(v.version): _registered(v.run_id, v.tags) for v in page})
        token = page.token
        if not token:
            return MlflowModel(True, aliases, versions)


def _registered(run_id: str | None, tags: Mapping[str, str]) -> MlflowVersion:
    revision = tags.get("mlops.revision", "")
    return MlflowVersion(run_id, KEY_TAG in tags, tags.get("mlops.digest"), int(revision) if revision.isdigit() else 0)


def compare_records(
    entries: list[LedgerEntry], registered: Mapping[int, VersionIdentity], registry: MlflowModel
) -> list[Check]:
    """Return one check for each fact on which the two have to agree.

    :param entries: the newest entry of the ledger and the one before, if there are any.
    :param registered: the versions in the store.
    """
    if not registry.exists:
        return [
            _check(
                "the model is in MLflow",
                [""] if registered or entries else [],
                "MLflow has no such model: restore MLflow's database, or correct the MLflow connection",
            )
        ]
    return [*_aliases(entries, registry), *_versions(entries, registered, registry), _ledger(entries, registry)]


def _aliases(entries: list[LedgerEntry], registry: MlflowModel) -> Iterable[Check]:
    expected = {alias: entry.version for alias, entry in zip(("champion", "previous"), entries, strict=False)}
    if not entries and "champion" in registry.aliases:
        message = "the ledger has no champion: 'airflow mlops adopt' makes this version the first"
        yield _check("alias champion", [f"v{registry.aliases['champion']}"], message, "warn")
    for alias, version in expected.items():
        actual = registry.aliases.get(alias)
        state = "is not set" if actual is None else f"is at v{actual}"
        message = f"{state}, the ledger says v{version}: the next promotion, rollback or cleanup sets it"
        yield _check(f"alias {alias}", [] if actual == version else [f"v{version}"], message, "warn")


def _versions(
    entries: list[LedgerEntry], known: Mapping[int, VersionIdentity], registry: MlflowModel
) -> Iterable[Check]:
    champions = {entry.version for entry in entries}
    deleted = known.keys() - registry.versions.keys()
    yield _check(
        "champions are in MLflow",
        _names(deleted & champions),
        "deleted in MLflow: the alias cannot be set; restore MLflow's database, or promote another version",
    )
    yield _check(
        "versions are in MLflow",
        _names(deleted - champions),
        "deleted in MLflow: they cannot become champion again; their history stays in the store",
        "warn",
    )
    yield _check(
        "champions are in the store",
        _names(champions - known.keys()),
        "the ledger names versions that the store does not have: restore the store from a complete backup",
    )
    yield _check(
        "versions are in the store",
        _names(n for n, v in registry.versions.items() if v.from_task and n not in known),
        "registered by a task, but not in the store: the task was killed and not run again, or the store was restored "
        "from an older backup; clear that task, or delete the version in MLflow",
        "warn",
    )
    yield _check(
        "same files",
        _names(n for n, v in registry.versions.items() if n in known and _differs(known[n], v)),
        "MLflow has other files under this number: MLflow was restored from an older backup and has assigned it again; "
        "delete it there, and register its files anew",
    )


def _differs(stored: VersionIdentity, registered: MlflowVersion) -> bool:
    if registered.digest is not None and registered.digest != stored.digest:
        return True
    return registered.from_task and registered.run_id is not None and registered.run_id != stored.run_id


def _ledger(entries: list[LedgerEntry], registry: MlflowModel) -> Check:
    head = entries[0].revision if entries else 0
    later = [n for n, v in registry.versions.items() if v.revision > head]
    newest = max((v.revision for v in registry.versions.values()), default=0)
    return _check(
        "the ledger is complete",
        _names(later),
        f"was champion in revision {newest}, the ledger ends at {head}: the store was restored from an older backup; "
        "the champion is the ledger's, a later one has to pass the gate again",
    )


def _names(numbers: Iterable[int]) -> list[str]:
    return [f"v{number}" for number in sorted(numbers)]


def _check(name: str, affected: list[str], message: str, severity: Severity = "error") -> Check:
    if not affected:
        return Check(name, "pass", severity)
    where = ", ".join(affected[:10]) + (f" and {len(affected) - 10} more" if len(affected) > 10 else "")
    return Check(name, "fail", severity, observed=affected, where=where or None, message=message)
