"""The memory of Polars text, looked at through the Arrow C data interface.

pyarrow does it, too, but importing it costs 0.2 s and 26 MB, more than counting most tables does. The structures are
those of https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import polars as pl

INLINE = 12  # the longest text, in bytes, that its view holds in full
Views = npt.NDArray[np.uint32]
_STREAM = b"arrow_array_stream"
_TEXT_VIEWS = b"vu"
_WORDS = 4


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_void_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def text_views(texts: pl.Series) -> Views | None:
    """Copy the views of texts: the number of bytes and, of a text of at most 12, its bytes, padded with zeros.

    :param texts: a column of text; a null has any view.
    :return: shape (texts, 4), the last three words in the order of the bytes; None when Polars lays text out
        otherwise.
    """
    capsule = texts.alias("").__arrow_c_stream__(None)  # a name of its own may have a NUL, which ends the process
    stream = _Stream.from_address(_pointer_of(capsule, _STREAM))  # the capsule releases it
    here = ctypes.addressof(stream)
    schema = _Schema()
    if stream.get_schema(here, ctypes.addressof(schema)):
        return None
    with _released(schema):
        if schema.format != _TEXT_VIEWS:
            return None
    views = np.empty((len(texts), _WORDS), dtype=np.uint32)
    done = 0
    while done < len(texts):
        array = _Array()
        if stream.get_next(here, ctypes.addressof(array)) or not array.release:
            return None
        with _released(array):
            size = 4 * _WORDS
            ctypes.memmove(views[done:].ctypes.data, array.buffers[1] + size * array.offset, size * array.length)
            done += array.length
    return views


@contextmanager
def _released(taken: _Schema | _Array) -> Iterator[None]:
    """Give memory back to Polars."""
    try:
        yield
    finally:
        taken.release(ctypes.addressof(taken))
