"""Adoption of an existing MLflow model as the first champion, so that the gate has a champion to compare with.

The adopted version has not passed our gate. So this is only for a model without a champion, and the ledger records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, NotFound, Refused
from airflow_mlops.core.data.snapshots.snapshot import Snapshot, validate_name
from airflow_mlops.core.models.artifact import MODEL_FILE, digest_of
from airflow_mlops.core.models.formats import NATIVE_FILE, PICKLE_FILE
from airflow_mlops.core.models.loading import ADOPTED_CANDIDATE, SAFE_LOADING, LoadingOptions, local_files
from airflow_mlops.core.registry.aliases import reconcile
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.contracts import Contract

_CONVERT = (
    "load it where you trust it, and save it with airflow_mlops.core.models.artifact.write(model, folder, example), "
    "or for scikit-learn with mlflow.sklearn.log_model(model, serialization_format='skops'); then adopt that"
)


def adopt(
    client: MlflowClient,
    database: Database,
    *,
    model: str,
    actor: str,
    version: int | None = None,
    uri: str | None = None,
    data: Snapshot | None = None,
    contract: Contract | None = None,
    features: Sequence[str] | None = None,
    trusted: Sequence[str] = (),
    reason: str = "adopted from MLflow",
    loading: LoadingOptions = SAFE_LOADING,
) -> LedgerEntry:
    """Make an MLflow model the first champion. Adopting it again returns the same entry.

    :param model: the registered model's name; with ``uri`` it may be new.
    :param version: its version; default: the one with the alias ``champion``, else the newest.
    :param uri: instead of a version: the files, such as ``runs:/<run id>/model``; they are registered as a version.
    :param data: the rows that it was trained and selected on. They give the baseline for drift, and the gate has to
        exclude them from its own rows: without them no challenger can be compared with it.
    :param contract: the contract of those rows; its features are profiled.
    :param features: the columns to profile; default: the contract's, else those of the model's signature.
    :param trusted: the project's own types that the model may contain.
    :param loading: how it is loaded for a test; with ``allow_pickle``, a pickle can be adopted, too.
    :raises NotFound: when MLflow has no such model, or its files do not exist.
    :raises BadInput: when the files are not in a format that can be loaded without running code.
    :raises Refused: when the model has a champion, or the version was registered here; both have to pass the gate.
    """
    validate_name(model, "model")
    head = ledger.head(database, model)
    if head is not None:
        _check_already_adopted(head, version)
        reconcile(client, database, model)
        return head
    number, run_id, source = _locate(client, model, version) if uri is None else _register(client, model, uri)
    _check_not_registered_here(database, model, number)
    loading = replace(loading, client=client)
    with local_files(source, client.tracking_uri, loading) as folder:
        digest = _load_test(folder, trusted, loading)
        names = list(features or (contract.features if contract else _columns(folder))) if data is not None else []
    versions.add(
        database,
        Version(
            model=model,
            version=number,
            digest=digest,
            run_id=run_id,
            artifact_uri=source,
            cutoff=None if data is None else data.ref.partition,
            candidate=ADOPTED_CANDIDATE,
            # The validation rows are among them or unknown, so the gate searches both for its rows.
            data={} if data is None else dict.fromkeys(("train", "validation"), data.ref.to_dict()),
            baseline=_baseline(data, names, contract.cluster if contract else None),
            contract=None if contract is None else contract.to_dict(),
            actor=actor,
            recorded_at=now(),
        ),
    )
    entry = ledger.append(
        database,
        model=model,
        expected_revision=None,
        version=number,
        digest=digest,
        gate_report=None,
        approver=None,
        reason=reason,
        actor=actor,
        action="adopt",
    )
    client.set_model_version_tag(model, str(number), "mlops.digest", digest)
    reconcile(client, database, model)
    return entry


def _check_already_adopted(head: LedgerEntry, version: int | None) -> None:
    if head.action != "adopt" or version not in (None, head.version):
        raise Refused(
            f"{head.model!r} has a champion already: v{head.version}, since {head.effective_at.isoformat()}",
            hint="register the model as a version and run the gate on it",
        )


def _check_not_registered_here(database: Database, model: str, number: int) -> None:
    try:
        row = versions.get(database, model, number)
    except NotFound:
        return
    if row.candidate != ADOPTED_CANDIDATE:  # else an earlier adoption was killed half-way
        raise Refused(
            f"{model} v{number} was registered here, by {row.actor}",
            hint="promote it with its gate report instead",
        )


def _locate(client: MlflowClient, model: str, version: int | None) -> tuple[int, str, str]:
    """Return a registered version's number, run and artifact URI."""
    from mlflow.exceptions import MlflowException

    try:
        number = version if version is not None else _default_version(client, model)
        run_id = client.get_model_version(model, str(number)).run_id or ""
        return number, run_id, client.get_model_version_download_uri(model, str(number))
    except MlflowException as error:
        raise NotFound(
            f"MLflow has no such version of {model!r}: {str(error)[:200]}",
            where=client.tracking_uri,
            hint="check the registered models there; adopt a model of a run by its URI, runs:/<run id>/<path>",
        ) from None


def _default_version(client: MlflowClient, model: str) -> int:
    champion = client.get_registered_model(model).aliases.get("champion")
    if champion is not None:
        return int(champion)
    numbers = [int(v.version) for v in client.search_model_versions(f"name = '{model}'")]
    if not numbers:
        raise NotFound(f"{model!r} has no version in MLflow", where=client.tracking_uri)
    return max(numbers)


def _register(client: MlflowClient, model: str, uri: str) -> tuple[int, str, str]:
    """Return the version of these files; register it if there is none."""
    from mlflow.exceptions import MlflowException

    run_id, source = "", uri
    if uri.startswith("runs:/"):
        run_id, _, path = uri.removeprefix("runs:/").partition("/")
        try:
            source = f"{str(client.get_run(run_id).info.artifact_uri).rstrip('/')}/{path}"
        except MlflowException as error:
            raise NotFound(f"MLflow has no run {run_id}: {str(error)[:200]}", where=client.tracking_uri) from None
    with local_files(source, client.tracking_uri, LoadingOptions(client=client)):
        pass  # checks that the files exist before they are registered
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    existing = [v for v in client.search_model_versions(f"name = '{model}'") if v.source == source]
    version = existing[0] if existing else client.create_model_version(model, source, run_id=run_id or None)
    return int(version.version), run_id, source


def _load_test(folder: Path, trusted: Sequence[str], how: LoadingOptions) -> str:
    """Check that the files can be loaded as scoring will load them; return their digest."""
    accepted = (MODEL_FILE, NATIVE_FILE, *((PICKLE_FILE,) if how.allow_pickle else ()))
    if not any((folder / name).is_file() for name in accepted):
        names = sorted(p.name for p in folder.iterdir())[:8]
        raise BadInput(
            "the model is not in a format that can be loaded without running code",
            where=f"{folder}: {names}",
            hint=_CONVERT,
        )
    digest = digest_of(folder)
    how.load(folder, digest, trusted=trusted, pickled=True)
    return digest


def _columns(folder: Path) -> list[str]:
    from mlflow.models import Model

    signature = Model.load(str(folder)).signature if (folder / "MLmodel").is_file() else None
    if signature is None or not signature.inputs.has_input_names():
        raise BadInput(
            "the model has no signature with column names", where=str(folder), hint="pass a contract, or the features"
        )
    return list(signature.inputs.input_names())


def _baseline(data: Snapshot | None, names: Sequence[str], cluster: str | None) -> dict[str, Any]:
    from airflow_mlops.core.data.profiles import Profile

    if data is None:
        return Profile(0).to_dict()  # drift checks against an empty profile are inconclusive
    from airflow_mlops.core.data.profiles import profile

    return profile(data, columns=list(names), cluster=cluster).to_dict()
