"""Messages between a task and the process of its model: a head that is JSON, and bytes."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_SIZES = struct.Struct("!IQ")
MOST_HEAD = 1 << 22


def send(channel: socket.socket, head: dict[str, Any], body: bytes | bytearray | memoryview = b"") -> None:
    """Send a message.

    :raises OSError: when nobody is there.
    """
    told = json.dumps(head).encode()
    channel.sendall(_SIZES.pack(len(told), len(body)) + told)
    if len(body):
        channel.sendall(body)


def receive(channel: socket.socket, most: int | None = None) -> tuple[dict[str, Any], bytearray]:
    """Wait for a message.

    :param most: how many bytes it may have beside its head.
    :raises EOFError: when the other side is gone.
    :raises ValueError: when it is larger than it may be, or no message.
    """
    told, size = _SIZES.unpack(_exactly(channel, _SIZES.size))
    if told > MOST_HEAD or (most is not None and size > most):
        raise ValueError(f"a message of {told} + {size} bytes")
    head = json.loads(bytes(_exactly(channel, told)))
    if not isinstance(head, dict):
        raise ValueError("a message without a head")
    return head, _exactly(channel, size)


def _exactly(channel: socket.socket, size: int) -> bytearray:
    content = bytearray(size)
    view, at = memoryview(content), 0
    while at < size:
        got = channel.recv_into(view[at:])
        if not got:
            raise EOFError
        at += got
    view.release()
    return content
