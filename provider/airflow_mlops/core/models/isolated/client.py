"""Client of a model in an isolated process, which can neither crash the task's worker nor read its secrets.

Model files are parsed by native code: a tree with invalid node references crashes the predicting process. With this
client only the model's own process crashes, and the task gets an error.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import weakref
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_mlops.common.error_codec import decode_error
from airflow_mlops.common.errors import BadInput, MlopsError
from airflow_mlops.core.models.isolated import fork_server, protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

log = logging.getLogger(__name__)
MAX_BYTES_PER_ROW = 1 << 16  # bytes of scores: probabilities of eight thousand classes
MAX_EXTRA_BYTES = 1 << 20
_METHODS = ("predict_proba", "predict")


class ModelProcess:
    """A model in an isolated process, with the same predictions as the model itself.

    It has ``predict``, and ``predict_proba``, ``classes_``, ``feature_names_in_`` and ``n_features_in_`` where the
    model has them, but no other attributes. The process ends with this object, and with the process that owns it.

    :param folder: the model's files.
    :param digest: their registered digest; verified in the isolated process before anything is deserialised.
    :param trusted: project types that the model may contain.
    :param allow_pickle: whether a model stored only as a pickle may be unpickled.
    :raises Refused: when the digest, the format or a type is not allowed.
    :raises BadInput: when the process dies while loading.
    """

    def __init__(
        self, folder: str | Path, digest: str, *, trusted: Sequence[str] = (), allow_pickle: bool = False
    ) -> None:
        self._where, self._owner, self._lock = str(folder), os.getpid(), threading.Lock()
        channel, ended = fork_server.spawn_worker()
        self._channel, self._ended = channel, ended
        self.close = weakref.finalize(self, _close_process, channel, ended)  # ends the process; idempotent
        request = {
            "folder": str(Path(folder).absolute()),
            "digest": digest,
            "trusted": list(trusted),
            "allow_pickle": allow_pickle,
            "path": [p for p in sys.path if p],
        }
        response, _ = self._request(request, b"", MAX_EXTRA_BYTES, "while it was loaded")
        for line in response["warnings"]:
            log.warning("%s", line)
        self.name = str(response["type"])
        self._copy_attributes(response)

    def __repr__(self) -> str:
        return f"<{self.name} in an isolated process>"

    def __getattr__(self, name: str) -> Any:
        """Return a prediction method of the model; no other attributes are available."""
        if name in self.__dict__.get("_methods", ()):  # not cached: a reference cycle would keep the process alive
            return partial(self._predict, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}: the model is in an isolated process")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a model in an isolated process cannot be copied: load it where it is needed")

    def _copy_attributes(self, response: dict[str, Any]) -> None:
        """Copy the model's methods and attributes."""
        import numpy as np

        self._methods = [name for name in _METHODS if name in response["methods"]]
        for name in ("classes_", "feature_names_in_"):
            if name in response:
                setattr(self, name, np.array(response[name], dtype=None if name == "classes_" else object))
        if "n_features_in_" in response:
            self.n_features_in_ = int(response["n_features_in_"])

    def _predict(self, method: str, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        import pandas as pd

        from airflow_mlops.core.models.isolated.arrow_codec import decode_scores, encode_frame

        rows = features if isinstance(features, pd.DataFrame) else pd.DataFrame(features)
        max_bytes = MAX_EXTRA_BYTES + MAX_BYTES_PER_ROW * len(rows)
        head, body = self._request(
            {"method": method}, encode_frame(rows), max_bytes, f"while it scored {len(rows)} rows"
        )
        try:
            return decode_scores(head, body)
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise BadInput("the model's process returned an invalid response", where=self._where) from error

    def _request(
        self, request: dict[str, Any], body: bytes, max_bytes: int, when: str
    ) -> tuple[dict[str, Any], bytes | bytearray]:
        """Send a request, and return the response.

        :raises Exception: any error raised in the model's process.
        """
        if os.getpid() != self._owner:
            raise RuntimeError("a model's process belongs to the process that created it: load the model again here")
        with self._lock:
            if not self.close.alive:
                raise BadInput("the model's process has ended", where=self._where, hint="load the model again")
            try:
                try:
                    protocol.send(self._channel, request, body)
                finally:  # the process may have sent an error before it ended
                    head, content = protocol.receive(self._channel, max_bytes)
            except (EOFError, OSError):
                raise self._exit_error(when) from None
            except BaseException:  # interrupted: the next response would belong to this request
                self.close()
                raise
        if "error" in head:
            raise decode_error(head["error"])
        return head, content

    def _exit_error(self, when: str) -> MlopsError:
        """Return the error for the ended process."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        status = os.read(self._ended, 100).decode()
        self.close()
        code = int(status) if status.lstrip("-").isdigit() else None
        return build_exit_error(code, when, self._where)


def build_exit_error(code: int | None, activity: str, where: str) -> MlopsError:
    """Return the error for a process that ended unexpectedly.

    :param code: its exit code, negative for a signal; ``None`` if unknown.
    :param activity: what it was doing, such as ``while it was loaded``.
    """
    if code == -signal.SIGKILL or code is None:  # a retry may have more memory
        return MlopsError(
            f"the model's process was killed {activity}",
            where=where,
            hint="usually the machine or container ran out of memory: increase it, or use fewer rows per file",
        )
    cause = f"of {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return BadInput(
        f"the model's process died {cause} {activity}",
        where=where,
        hint="its files match the registered digest, so the model is broken, or the installed libraries differ from "
        "its requirements.txt; the worker is not affected",
    )


def _close_process(channel: socket.socket, ended: int) -> None:
    channel.close()
    with contextlib.suppress(OSError):
        os.close(ended)  # the fork server then kills the process


if __name__ == "__main__":
    fork_server.main(int(sys.argv[1]))
