"""What runs in the process of a model: it loads one model, digest first, and answers what it is asked.

The process has nothing that a model does not need: no secrets in its environment, none of the task's open files, no
network where the system lets it be taken away, and no core dump.
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

from airflow_mlops.core.errors_as_json import described
from airflow_mlops.core.registry import model_wire

OFFERS = ("predict_proba", "predict")
_DEATH_SIGNAL, _NO_NEW_RIGHTS = 1, 38  # prctl(2)
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000  # unshare(2)
_MOST_SAID = 20


def serve(channel: socket.socket, parent: int) -> None:
    """Load the model that the first message names, and answer the others until nobody is there.

    :param parent: the process that this one ends with.
    """
    _bound(parent)
    try:
        asked, _ = model_wire.receive(channel)
        model = _loaded(channel, asked)
        while model is not None:
            _answer(channel, model)
    except (EOFError, OSError):
        return


def _bound(parent: int) -> None:
    """End with the parent, and leave nothing behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is for the task to act upon
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        library.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _without_network() -> None:
    """Leave the network, where the system allows it: not in every container."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if library.unshare(_NEW_NETWORK) != 0:
            library.unshare(_NEW_USER | _NEW_NETWORK)


def _loaded(channel: socket.socket, asked: dict[str, Any]) -> Any:
    """Load the model and tell what it is; ``None`` when that failed, which has been told, too."""
    from airflow_mlops.core.training.artifact import load

    sys.path[:] = asked["path"]  # where the task finds the project's own types
    heard = _Heard()
    logging.getLogger("airflow_mlops").addHandler(heard)
    try:
        model = load(
            asked["folder"],
            asked["digest"],
            trusted=asked["trusted"],
            allow_pickle=asked["allow_pickle"],
            verified=_without_network,
        )
        told = {"type": type(model).__name__, "offers": [name for name in OFFERS if hasattr(model, name)]}
        for name in ("classes_", "feature_names_in_", "n_features_in_"):
            if getattr(model, name, None) is not None:
                told[name] = _plain(getattr(model, name))
    except BaseException as error:
        model_wire.send(channel, {"error": described(error)})
        return None
    model_wire.send(channel, {**told, "said": heard.said})
    return model


def _answer(channel: socket.socket, model: Any) -> None:
    from airflow_mlops.core.registry.model_frames import decoded, scores_out

    asked, rows = model_wire.receive(channel)
    if asked["do"] not in OFFERS:
        raise EOFError
    try:
        head, body = scores_out(getattr(model, asked["do"])(decoded(rows)))
    except BaseException as error:  # a model may raise anything
        head, body = {"error": described(error)}, b""
    model_wire.send(channel, head, body)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else value


class _Heard(logging.Handler):
    """Keeps what is said while a model is loaded, for the task's own log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        if len(self.said) < _MOST_SAID:
            self.said.append(record.getMessage()[:1000])
