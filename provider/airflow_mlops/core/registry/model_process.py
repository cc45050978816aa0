"""A model in a process of its own: what it does there cannot take the task's worker with it, nor reach its secrets.

A model's file is data that native code reads: a tree whose nodes point outside of it ends the process that predicts
with it. Here that is the model's own process, and the task gets an error in words.
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

from airflow_mlops.core.errors import BadInput, MlopsError
from airflow_mlops.core.errors_as_json import as_raised
from airflow_mlops.core.registry import model_nursery, model_wire

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

log = logging.getLogger(__name__)
MOST_A_ROW = 1 << 16  # bytes of scores: a chance for each of eight thousand classes
MOST_BESIDE = 1 << 20
_OFFERS = ("predict_proba", "predict")


class ModelProcess:
    """A model that lives in a process of its own; it predicts as the model itself does.

    It has ``predict``, and ``predict_proba``, ``classes_``, ``feature_names_in_`` and ``n_features_in_`` where the
    model has them. Not the model's other methods: its insides are not here. The process ends with this object, and
    with the process that this object is in.

    :param folder: the model's files.
    :param digest: their registered digest; it is verified in the process, before anything is deserialised there.
    :param trusted: types of the project's own that the model may contain.
    :param allow_pickle: whether a model that is kept in no other format may be unpickled.
    :raises Refused: when the digest, the format or a type is not what it has to be.
    :raises BadInput: when the process does not survive the loading.
    """

    def __init__(
        self, folder: str | Path, digest: str, *, trusted: Sequence[str] = (), allow_pickle: bool = False
    ) -> None:
        self._where, self._owner, self._lock = str(folder), os.getpid(), threading.Lock()
        channel, ended = model_nursery.born()
        self._channel, self._ended = channel, ended
        self.close = weakref.finalize(self, _close, channel, ended)  # ends the process; may be called often
        asked = {
            "folder": str(Path(folder).absolute()),
            "digest": digest,
            "trusted": list(trusted),
            "allow_pickle": allow_pickle,
            "path": [p for p in sys.path if p],
        }
        told, _ = self._said(asked, b"", MOST_BESIDE, "while it was loaded")
        for line in told["said"]:
            log.warning("%s", line)
        self.name = str(told["type"])
        self._take(told)

    def __repr__(self) -> str:
        return f"<{self.name} in a process of its own>"

    def __getattr__(self, name: str) -> Any:
        """Give what the model can be asked for; nothing else is an attribute, as it is none of the model's."""
        if name in self.__dict__.get("_offers", ()):  # made anew: kept, it would keep this object and the process
            return partial(self._predicted, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}: the model is in a process of its own")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a model in a process of its own cannot be copied: load it where it is needed")

    def _take(self, told: dict[str, Any]) -> None:
        """Have what the model has."""
        import numpy as np

        self._offers = [name for name in _OFFERS if name in told["offers"]]
        for name in ("classes_", "feature_names_in_"):
            if name in told:
                setattr(self, name, np.array(told[name], dtype=None if name == "classes_" else object))
        if "n_features_in_" in told:
            self.n_features_in_ = int(told["n_features_in_"])

    def _predicted(self, do: str, features: pd.DataFrame) -> np.ndarray[Any, Any]:
        import pandas as pd

        from airflow_mlops.core.registry.model_frames import encoded, scores_in

        rows = features if isinstance(features, pd.DataFrame) else pd.DataFrame(features)
        most = MOST_BESIDE + MOST_A_ROW * len(rows)
        head, body = self._said({"do": do}, encoded(rows), most, f"while it scored {len(rows)} rows")
        try:
            return scores_in(head, body)
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise BadInput("the model's process gave something else than scores", where=self._where) from error

    def _said(
        self, asked: dict[str, Any], body: bytes, most: int, when: str
    ) -> tuple[dict[str, Any], bytes | bytearray]:
        """Ask, and give the answer.

        :raises Exception: what was raised over there.
        """
        if os.getpid() != self._owner:
            raise RuntimeError("a model's process belongs to the process that made it: load it again here")
        with self._lock:
            if not self.close.alive:
                raise BadInput("the model's process has ended", where=self._where, mend="load the model again")
            try:
                try:
                    model_wire.send(self._channel, asked, body)
                finally:  # it may have said why it went
                    head, content = model_wire.receive(self._channel, most)
            except (EOFError, OSError):
                raise self._died(when) from None
            except BaseException:  # given up in the middle: what comes next would be the answer to this
                self.close()
                raise
        if "error" in head:
            raise as_raised(head["error"])
        return head, content

    def _died(self, when: str) -> MlopsError:
        """Say how the process ended."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        told = os.read(self._ended, 100).decode()
        self.close()
        code = int(told) if told.lstrip("-").isdigit() else None
        return died(code, when, self._where)


def died(code: int | None, when: str, where: str) -> MlopsError:
    """Give the error for a process that ended when it should not have.

    :param code: its exit code, negative for a signal; ``None`` where nobody knows.
    :param when: what it was at.
    """
    if code == -signal.SIGKILL or code is None:  # a retry may have more memory
        return MlopsError(
            f"the model's process was killed {when}",
            where=where,
            mend="most often the machine or the container had no memory left: give it more, or fewer rows a file",
        )
    how = f"of {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return BadInput(
        f"the model's process died {how} {when}",
        where=where,
        mend="its files are those that were registered, so the model itself is broken, or the libraries here are not "
        "those it was trained with: see its requirements.txt; the worker lives on",
    )


def _close(channel: socket.socket, ended: int) -> None:
    channel.close()
    with contextlib.suppress(OSError):
        os.close(ended)  # its nursery ends the process, whatever it is at


if __name__ == "__main__":
    model_nursery.main(int(sys.argv[1]))
