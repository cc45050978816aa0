"""``python -m airflow_mlops.serving [FOLDER]``: serve the version that lies in a folder (``/srv/serving``)."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.registry.model_process import ModelProcess
from airflow_mlops.core.serving.checking import RequestContract
from airflow_mlops.core.serving.places import FOLDER, LOG_URL, MODEL, PORT, SECRETS, SETTINGS, TOKEN
from airflow_mlops.core.serving.settings import ServingSettings
from airflow_mlops.serving.app import Parts, application
from airflow_mlops.serving.figures import Figures
from airflow_mlops.serving.limiting import Rate, Token
from airflow_mlops.serving.logged import RequestLog, to_table
from airflow_mlops.serving.scorer import Scorer


def parts_of(folder: Path, secrets: Path) -> Parts:
    """Make the server's parts of what lies in a folder.

    :param folder: with ``serving.json`` and the model's files.
    :param secrets: the folder of the secret files: ``token`` and ``log_url``, each where there is one.
    """
    from airflow_mlops.core.settings import read_yaml

    settings = ServingSettings.load(read_yaml(folder / SETTINGS, "serving"))
    contract = RequestContract(Contract.load(settings.contract), most_text=settings.limits.text)
    figures = Figures({"model": settings.model, "version": str(settings.version), "digest": settings.digest})
    scorer = Scorer(
        partial(ModelProcess, folder / MODEL, settings.digest, trusted=settings.trusted),
        contract.for_model,
        processes=settings.processes,
        together=settings.together,
        waiting=settings.limits.waiting,
        figures=figures,
    )
    url = _secret(secrets / LOG_URL)
    log = None
    if settings.log_table is not None and url is not None:
        log = RequestLog(to_table(url, settings.log_table, settings, contract.keys), figures)
    limits = settings.limits
    rate = Rate(limits.rate, limits.burst)
    return Parts(settings, contract, scorer, figures, Token(_secret(secrets / TOKEN)), rate, log)


def _secret(path: Path) -> str | None:
    """Read a secret file, without what ends its line; none where there is no file."""
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def main(arguments: list[str]) -> None:
    """Serve until a signal ends it."""
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parts = parts_of(Path(arguments[0] if arguments else FOLDER), Path(os.environ.get("MLOPS_SECRETS", SECRETS)))
    uvicorn.run(
        application(parts),
        host=os.environ.get("MLOPS_HOST", "0.0.0.0"),  # noqa: S104 - in a container, which publishes nothing by itself
        port=int(os.environ.get("MLOPS_PORT", PORT)),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
