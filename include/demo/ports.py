"""Free ports on the loopback interface."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """
    Check whether a server can listen on this port of the loopback interface.

    :param port: the port number
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that a connection of an earlier demo in TIME_WAIT does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    # macOS allows binding 127.0.0.1 while another server listens on all interfaces, which would shadow it.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) != 0


def free_port(preferred: int, tries: int = 20) -> int:
    """
    Return the preferred port if it is free, else one of the next ones, else any free port.

    :param preferred: the preferred port
    :param tries: how many ports to try, counting up from the preferred one
    """
    for port in range(preferred, min(preferred + tries, 65536)):
        if is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
