"""Worker process of a model: verifies and loads one model, and answers prediction requests.

The process has only what a model needs: no secrets in its environment, none of the task's open files, no network where
the system allows dropping it, and no core dumps.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import socket
import sys
from typing import Any

from airflow_mlops.common.error_codec import encode_error
from airflow_mlops.core.models.isolated import protocol

METHODS = ("predict_proba", "predict")
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38  # prctl(2)
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000  # unshare(2)
_MAX_WARNINGS = 20


def run_worker(channel: socket.socket, parent: int) -> None:
    """Load the model named by the first message, and answer further messages until the channel is closed.

    :param parent: the id of the parent process; this process ends with it.
    """
    _bind_to_parent(parent)
    try:
        request, _ = protocol.receive(channel)
        model = _load(channel, request)
        while model is not None:
            _respond(channel, model)
    except (EOFError, OSError):
        return


def _bind_to_parent(parent: int) -> None:
    """End with the parent process, without a core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the task
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _drop_network() -> None:
    """Drop network access where the system allows it, which some containers do not."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if library.unshare(_NEW_NETWORK) != 0:
            library.unshare(_NEW_USER | _NEW_NETWORK)


def _load(channel: socket.socket, request: dict[str, Any]) -> Any:
    """Load the model and send its description; ``None`` when loading failed, after sending the error."""
    from airflow_mlops.core.models.artifact import load_model

    sys.path[:] = request["path"]  # the task's import path, for the project's own types
    collector = _WarningCollector()
    logging.getLogger("airflow_mlops").addHandler(collector)
    try:
        model = load_model(
            request["folder"],
            request["digest"],
            trusted=request["trusted"],
            allow_pickle=request["allow_pickle"],
            on_verified=_drop_network,
        )
        response = {"type": type(model).__name__, "methods": [name for name in METHODS if hasattr(model, name)]}
        for name in ("classes_", "feature_names_in_", "n_features_in_"):
            if getattr(model, name, None) is not None:
                response[name] = _to_json(getattr(model, name))
    except BaseException as error:
        protocol.send(channel, {"error": encode_error(error)})
        return None
    protocol.send(channel, {**response, "warnings": collector.warnings})
    return model


def _respond(channel: socket.socket, model: Any) -> None:
    from airflow_mlops.core.models.isolated.arrow_codec import decode_frame, encode_scores

    request, rows = protocol.receive(channel)
    if request["method"] not in METHODS:
        raise EOFError
    try:
        head, body = encode_scores(getattr(model, request["method"])(decode_frame(rows)))
    except BaseException as error:  # a model may raise anything
        head, body = {"error": encode_error(error)}, b""
    protocol.send(channel, head, body)


def _to_json(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else value


class _WarningCollector(logging.Handler):
    """Collects warnings during loading, for the task's own log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store a message."""
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(record.getMessage()[:1000])
