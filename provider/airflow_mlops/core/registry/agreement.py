"""Whether the lifecycle store and MLflow say the same about a model; they are two databases, and backed up apart.

The ledger decides who is champion and the store what belongs to a version, so whatever differs is MLflow's to follow,
or a sign that one of the two was restored from an older backup. Nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_mlops.core.report import Check, Report, Severity
from airflow_mlops.core.tracking.marks import KEY_TAG
from airflow_mlops.store import ledger, models
from airflow_mlops.store.database import Database
from airflow_mlops.store.models import Known
from airflow_mlops.store.tables import LedgerEntry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Registered:
    """A version as MLflow has it.

    :param ours: whether a task of ours registered it.
    :param digest: the digest that its tag names; ``None`` without one.
    :param epoch: the ledger's epoch that its tag names, from when it became champion; 0 when it never did.
    """

    run_id: str | None
    ours: bool
    digest: str | None
    epoch: int


@dataclass(frozen=True, slots=True)
class Registry:
    """A model as MLflow has it.

    :param there: whether it has the model at all.
    """

    there: bool
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[int, Registered] = field(default_factory=dict)


def disagreements(client: MlflowClient, database: Database, model: str) -> Report:
    """Hold what the store has of a model against what MLflow has.

    :returns: a report of the kind ``agreement``: failed where a consumer can be misled or cannot be served, warned
        where the next promotion or the janitor mends it.
    """
    reigns, known = ledger.history(database, model, limit=2), models.known(database, model)
    registry = registry_of(client, model)
    facts = {
        "champion": reigns[0].version if reigns else None,
        "epoch": reigns[0].epoch if reigns else None,
        "versions": len(known),
        "versions_in_mlflow": len(registry.versions),
    }
    return Report.of("agreement", model, judged(reigns, known, registry), facts=facts)


def registry_of(client: MlflowClient, model: str) -> Registry:
    """Read what MLflow has of a model."""
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return Registry(there=False)
    versions, token = {}, None
    while True:
        page = client.search_model_versions(f"name = '{model}'", max_results=_PAGE, page_token=token)
        versions.update({int(v.version): _registered(v.run_id, v.tags) for v in page})
        token = page.token
        if not token:
            return Registry(True, {alias: int(version) for alias, version in found.aliases.items()}, versions)


def _registered(run_id: str | None, tags: Mapping[str, str]) -> Registered:
    epoch = tags.get("mlops.epoch", "")
    return Registered(run_id, KEY_TAG in tags, tags.get("mlops.digest"), int(epoch) if epoch.isdigit() else 0)


def judged(reigns: list[LedgerEntry], known: Mapping[int, Known], registry: Registry) -> list[Check]:
    """Give one check for each thing on which the two have to agree.

    :param reigns: the newest entry of the ledger and the one before, as far as there are any.
    :param known: the versions that the store knows.
    """
    if not registry.there:
        return [
            _check(
                "the model is in MLflow",
                [""] if known or reigns else [],
                "MLflow has no such model: restore MLflow's database, or correct the MLflow connection",
            )
        ]
    return [*_aliases(reigns, registry), *_versions(reigns, known, registry), _ledger(reigns, registry)]


def _aliases(reigns: list[LedgerEntry], registry: Registry) -> Iterable[Check]:
    wanted = {alias: entry.version for alias, entry in zip(("champion", "previous"), reigns, strict=False)}
    if not reigns and "champion" in registry.aliases:
        message = "the ledger knows no champion: 'airflow mlops adopt' makes this version the first"
        yield _check("alias champion", [f"v{registry.aliases['champion']}"], message, "warn")
    for alias, version in wanted.items():
        found = registry.aliases.get(alias)
        says = "is nowhere" if found is None else f"is at v{found}"
        message = (
            f"{says}, by the ledger it belongs to v{version}: the next promotion or rollback sets it, or the janitor"
        )
        yield _check(f"alias {alias}", [] if found == version else [f"v{version}"], message, "warn")


def _versions(reigns: list[LedgerEntry], known: Mapping[int, Known], registry: Registry) -> Iterable[Check]:
    reigning = {entry.version for entry in reigns}
    gone = known.keys() - registry.versions.keys()
    yield _check(
        "champions are in MLflow",
        _named(gone & reigning),
        "deleted in MLflow: the alias cannot be set; restore MLflow's database, or promote another version",
    )
    yield _check(
        "versions are in MLflow",
        _named(gone - reigning),
        "deleted in MLflow: they cannot become champion again; their history stays in the store",
        "warn",
    )
    yield _check(
        "champions are in the store",
        _named(reigning - known.keys()),
        "the ledger names versions that the store does not have: restore the store from a whole backup",
    )
    yield _check(
        "versions are in the store",
        _named(n for n, v in registry.versions.items() if v.ours and n not in known),
        "registered by a task, but unknown here: it was killed and not run again, or the store was restored from an "
        "older backup; clear that task, or delete the version in MLflow",
        "warn",
    )
    yield _check(
        "same files",
        _named(n for n, v in registry.versions.items() if n in known and _differs(known[n], v)),
        "MLflow has other files under this number: MLflow was restored from an older backup and has given it away "
        "again; delete it there, and register its files anew",
    )


def _differs(ours: Known, theirs: Registered) -> bool:
    if theirs.digest is not None and theirs.digest != ours.digest:
        return True
    return theirs.ours and theirs.run_id is not None and theirs.run_id != ours.run_id


def _ledger(reigns: list[LedgerEntry], registry: Registry) -> Check:
    head = reigns[0].epoch if reigns else 0
    later = [n for n, v in registry.versions.items() if v.epoch > head]
    newest = max((v.epoch for v in registry.versions.values()), default=0)
    return _check(
        "the ledger is whole",
        _named(later),
        f"was champion in epoch {newest}, the ledger ends at {head}: the store was restored from an older backup; the "
        "champion is the ledger's, a later one has to pass the gate again",
    )


def _named(numbers: Iterable[int]) -> list[str]:
    return [f"v{number}" for number in sorted(numbers)]


def _check(name: str, wrong: list[str], message: str, severity: Severity = "error") -> Check:
    if not wrong:
        return Check(name, "pass", severity)
    where = ", ".join(wrong[:10]) + (f" and {len(wrong) - 10} more" if len(wrong) > 10 else "")
    return Check(name, "fail", severity, observed=wrong, where=where or None, message=message)
