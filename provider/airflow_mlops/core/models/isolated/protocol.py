"""Message protocol between a task and its model's process: a JSON head, and bytes."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_SIZES = struct.Struct("!IQ")
MAX_HEAD_BYTES = 1 << 22


def send(channel: socket.socket, head: dict[str, Any], body: bytes | bytearray | memoryview = b"") -> None:
    """Send a message.

    :raises OSError: when the connection is closed.
    """
    encoded = json.dumps(head).encode()
    channel.sendall(_SIZES.pack(len(encoded), len(body)) + encoded)
    if len(body):
        channel.sendall(body)


def receive(channel: socket.socket, max_bytes: int | None = None) -> tuple[dict[str, Any], bytearray]:
    """Receive a message.

    :param max_bytes: the maximum size of the body, in bytes.
    :raises EOFError: when the connection is closed.
    :raises ValueError: when the message is too large or malformed.
    """
    head_size, size = _SIZES.unpack(_receive_exactly(channel, _SIZES.size))
    if head_size > MAX_HEAD_BYTES or (max_bytes is not None and size > max_bytes):
        raise ValueError(f"message too large: {head_size} + {size} bytes")
    head = json.loads(bytes(_receive_exactly(channel, head_size)))
    if not isinstance(head, dict):
        raise ValueError("message without a JSON object as head")
    return head, _receive_exactly(channel, size)


def _receive_exactly(channel: socket.socket, size: int) -> bytearray:
    content = bytearray(size)
    view, position = memoryview(content), 0
    while position < size:
        received = channel.recv_into(view[position:])
        if not received:
            raise EOFError
        position += received
    view.release()
    return content
