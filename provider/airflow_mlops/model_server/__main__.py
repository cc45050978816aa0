"""Entry point ``python -m airflow_mlops.model_server [FOLDER]``: serve the version in a folder (``/srv/serving``)."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.models.isolated.client import ModelProcess
from airflow_mlops.core.serving.container_paths import (
    LOG_URL_FILE,
    MODEL_DIR,
    PORT,
    SECRETS_DIR,
    SERVING_DIR,
    SETTINGS_FILE,
    TOKEN_FILE,
)
from airflow_mlops.core.serving.request_validation import RequestContract
from airflow_mlops.core.serving.settings import ServingSettings
from airflow_mlops.model_server.access_control import RateLimiter, TokenAuth
from airflow_mlops.model_server.app import ServerComponents, create_app
from airflow_mlops.model_server.prometheus import ServerMetrics
from airflow_mlops.model_server.request_log import RequestLog, table_writer
from airflow_mlops.model_server.scorer import RequestScorer


def build_components(folder: Path, secrets: Path) -> ServerComponents:
    """Build the server's components from a folder.

    :param folder: the folder with ``serving.json`` and the model's files.
    :param secrets: the folder of the optional secret files ``token`` and ``log_url``.
    """
    from airflow_mlops.common.settings import read_yaml

    settings = ServingSettings.load(read_yaml(folder / SETTINGS_FILE, "serving"))
    contract = RequestContract(Contract.load(settings.contract), max_text_length=settings.limits.max_text_length)
    figures = ServerMetrics({"model": settings.model, "version": str(settings.version), "digest": settings.digest})
    scorer = RequestScorer(
        partial(ModelProcess, folder / MODEL_DIR, settings.digest, trusted=settings.trusted_types),
        contract.to_model_input,
        processes=settings.processes,
        max_batch_rows=settings.max_batch_rows,
        max_queued_requests=settings.limits.max_queued_requests,
        metrics=figures,
    )
    url = _read_secret(secrets / LOG_URL_FILE)
    log = None
    if settings.log_table is not None and url is not None:
        log = RequestLog(table_writer(url, settings.log_table, settings, contract.key_columns), figures)
    limits = settings.limits
    rate = RateLimiter(limits.requests_per_second, limits.burst)
    return ServerComponents(
        settings, contract, scorer, figures, TokenAuth(_read_secret(secrets / TOKEN_FILE)), rate, log
    )


def _read_secret(path: Path) -> str | None:
    """Read a secret file, stripped of whitespace; return None when it does not exist."""
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def main(arguments: list[str]) -> None:
    """Serve until stopped by a signal."""
    import uvicorn

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    parts = build_components(
        Path(arguments[0] if arguments else SERVING_DIR), Path(os.environ.get("MLOPS_SECRETS", SECRETS_DIR))
    )
    uvicorn.run(
        create_app(parts),
        host=os.environ.get("MLOPS_HOST", "0.0.0.0"),  # noqa: S104 - a container publishes no port by itself
        port=int(os.environ.get("MLOPS_PORT", PORT)),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
