"""Lossless JSON encoding of step parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_mlops.common.errors import BadInput

TUPLE_KEY, PAIRS_KEY = "(tuple)", "(pairs)"
_SCALARS = (str, int, float, bool, type(None))


def encode_value(value: Any, where: str = "parameters") -> Any:
    """Encode a value as JSON-serialisable; :func:`decode_value` decodes it.

    JSON has neither tuples, which scikit-learn distinguishes from lists, nor non-string keys: both are encoded as
    objects with a special key.

    :param where: the value's name, for the error.
    :raises BadInput: when it contains a value that JSON cannot represent.
    """
    if type(value) in _SCALARS:
        return value
    if hasattr(value, "dtype") and hasattr(value, "item") and not getattr(value, "shape", None):  # a NumPy scalar
        return encode_value(value.item(), where)
    if isinstance(value, _SCALARS):  # a subclass, such as a rendered template's text or a string enum
        return next(kind(value) for kind in (str, bool, int, float) if isinstance(value, kind))
    if isinstance(value, tuple):
        return {TUPLE_KEY: [encode_value(item, f"{where}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, Mapping):
        return _encode_mapping(value, where)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [encode_value(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise BadInput(
        f"{where} cannot be sent to another process: it is a {type(value).__name__}",
        where=repr(value)[:200],
        hint="use JSON-serialisable values (text, numbers, lists, mappings), or runtime='in_process'",
    )


def decode_value(value: Any) -> Any:
    """Decode a value that :func:`encode_value` encoded."""
    if isinstance(value, list):
        return [decode_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, content)] = value.items()
        if key == TUPLE_KEY:
            return tuple(decode_value(item) for item in content)
        if key == PAIRS_KEY:
            return {decode_value(name): decode_value(item) for name, item in content}
    return {key: decode_value(item) for key, item in value.items()}


def _encode_mapping(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    encoded = {key: encode_value(item, f"{where}[{key!r}]") for key, item in value.items()}
    if all(type(key) is str for key in encoded) and not {TUPLE_KEY, PAIRS_KEY} & set(encoded):
        return encoded
    return {PAIRS_KEY: [[encode_value(key, f"a key of {where}"), item] for key, item in encoded.items()]}
