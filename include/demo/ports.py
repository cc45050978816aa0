"""Free ports on the loopback interface."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """
    Whether a server could listen on this port of the loopback interface.

    :param port: the port number
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of an earlier demo in TIME_WAIT does not make a port 'taken'.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    # macOS lets one bind 127.0.0.1 beside a listener on all interfaces; then the other one would be shadowed.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) != 0


def free_port(preferred: int, tries: int = 20) -> int:
    """
    The preferred port when free, else one of the next ones, else any that the system gives.

    :param preferred: the port people expect
    :param tries: how many ports to try, counting up from the preferred one
    """
    for port in range(preferred, min(preferred + tries, 65536)):
        if is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
