"""Adoption: a model that MLflow has already becomes the first champion, so that the gate has something to compare with.

It has passed no gate of ours, so only a model without a champion can be begun in this way, and the ledger says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.data.snapshot import Snapshot, checked_name
from airflow_mlops.core.errors import BadInput, NotFound, Refused
from airflow_mlops.core.registry.loading import ADOPTED, SAFE, Loading, local_files
from airflow_mlops.core.registry.promotion import reconcile
from airflow_mlops.core.training.artifact import MODEL_FILE, digest_of
from airflow_mlops.core.training.formats import NATIVE_FILE, PICKLE_FILE
from airflow_mlops.store import ledger, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import LedgerEntry, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from airflow_mlops.core.data.contracts import Contract

_CONVERT = (
    "load it where you trust it, and keep it with airflow_mlops.core.training.artifact.write(model, folder, example), "
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
    how: Loading = SAFE,
) -> LedgerEntry:
    """Make a model of MLflow's the first champion; once it is, doing so again gives the same entry.

    :param model: the registered model's name; with ``uri`` it may be new.
    :param version: its version; default: the one with the alias ``champion``, else the newest.
    :param uri: in place of a version: where the files are, such as ``runs:/<run id>/model``; a version is made of them.
    :param data: the rows that it was trained and chosen on. They give the baseline for drift, and the gate needs them
        to know that its rows are none of these: without them no challenger can be compared with it.
    :param contract: the contract that those rows kept; its features are profiled.
    :param features: the columns to profile; default: the contract's, else those of the model's signature.
    :param trusted: the project's own types that the model may contain.
    :param how: how it is loaded, to see that it can be; with ``allow_pickle``, a pickle can be adopted, too.
    :raises NotFound: when MLflow has no such model, or its files are gone.
    :raises BadInput: when the files are not in a format that can be loaded without running code.
    :raises Refused: when the model has a champion, or the version was registered here: then it has to pass the gate.
    """
    checked_name(model, "model")
    head = ledger.head(database, model)
    if head is not None:
        _adopted_before(head, version)
        reconcile(client, database, model)
        return head
    number, run_id, source = _found(client, model, version) if uri is None else _registered(client, model, uri)
    _not_ours(database, model, number)
    how = replace(how, client=client)
    with local_files(source, client.tracking_uri, how) as folder:
        digest = _checked(folder, trusted, how)
        names = list(features or (contract.features if contract else _signature(folder))) if data is not None else []
    versions.add(
        database,
        Version(
            model=model,
            version=number,
            digest=digest,
            run_id=run_id,
            artifact_uri=source,
            cutoff=None if data is None else data.ref.partition,
            candidate=ADOPTED,
            # What it was chosen on is among them, or nobody knows; so the gate looks for its rows in both.
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
        expected_epoch=None,
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


def _adopted_before(head: LedgerEntry, version: int | None) -> None:
    if head.action != "adopt" or version not in (None, head.version):
        raise Refused(
            f"{head.model!r} has a champion already: v{head.version}, since {head.effective_at.isoformat()}",
            mend="register the model as a version and let it pass the gate",
        )


def _not_ours(database: Database, model: str, number: int) -> None:
    try:
        found = versions.get(database, model, number)
    except NotFound:
        return
    if found.candidate != ADOPTED:  # else an earlier adoption was killed half-way
        raise Refused(
            f"{model} v{number} was registered here, by {found.actor}",
            mend="it needs no adoption: promote it with its gate report",
        )


def _found(client: MlflowClient, model: str, version: int | None) -> tuple[int, str, str]:
    """Give a registered version's number, its run and where its files are."""
    from mlflow.exceptions import MlflowException

    try:
        number = version if version is not None else _default(client, model)
        run_id = client.get_model_version(model, str(number)).run_id or ""
        return number, run_id, client.get_model_version_download_uri(model, str(number))
    except MlflowException as error:
        raise NotFound(
            f"MLflow has no such version of {model!r}: {str(error)[:200]}",
            where=client.tracking_uri,
            mend="look at the registered models there; a model of a run is adopted by its URI, runs:/<run id>/<path>",
        ) from None


def _default(client: MlflowClient, model: str) -> int:
    champion = client.get_registered_model(model).aliases.get("champion")
    if champion is not None:
        return int(champion)
    found = [int(v.version) for v in client.search_model_versions(f"name = '{model}'")]
    if not found:
        raise NotFound(f"{model!r} has no version in MLflow", where=client.tracking_uri)
    return max(found)


def _registered(client: MlflowClient, model: str, uri: str) -> tuple[int, str, str]:
    """Give the version that was made of these files, or make it."""
    from mlflow.exceptions import MlflowException

    run_id, source = "", uri
    if uri.startswith("runs:/"):
        run_id, _, path = uri.removeprefix("runs:/").partition("/")
        try:
            source = f"{str(client.get_run(run_id).info.artifact_uri).rstrip('/')}/{path}"
        except MlflowException as error:
            raise NotFound(f"MLflow has no run {run_id}: {str(error)[:200]}", where=client.tracking_uri) from None
    with local_files(source, client.tracking_uri, Loading(client=client)):
        pass  # nothing is registered that is not there
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    same = [v for v in client.search_model_versions(f"name = '{model}'") if v.source == source]
    made = same[0] if same else client.create_model_version(model, source, run_id=run_id or None)
    return int(made.version), run_id, source


def _checked(folder: Path, trusted: Sequence[str], how: Loading) -> str:
    """Make sure that the files can be loaded as scoring will load them; gives their digest."""
    accepted = (MODEL_FILE, NATIVE_FILE, *((PICKLE_FILE,) if how.allow_pickle else ()))
    if not any((folder / name).is_file() for name in accepted):
        kept = sorted(p.name for p in folder.iterdir())[:8]
        raise BadInput(
            "the model is not in a format that is loaded without running code", where=f"{folder}: {kept}", mend=_CONVERT
        )
    digest = digest_of(folder)
    how.load(folder, digest, trusted=trusted, pickled=True)
    return digest


def _signature(folder: Path) -> list[str]:
    from mlflow.models import Model

    signature = Model.load(str(folder)).signature if (folder / "MLmodel").is_file() else None
    if signature is None or not signature.inputs.has_input_names():
        raise BadInput(
            "the model does not say which columns it gets", where=str(folder), mend="give a contract, or the features"
        )
    return list(signature.inputs.input_names())


def _baseline(data: Snapshot | None, names: Sequence[str], cluster: str | None) -> dict[str, Any]:
    from airflow_mlops.core.data.profiles import Profile

    if data is None:
        return Profile(0).to_dict()  # whoever compares with it finds that nothing can be judged
    from airflow_mlops.core.data import profile

    return profile(data, columns=list(names), cluster=cluster).to_dict()
