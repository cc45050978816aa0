"""The front: the one address of an endpoint, behind which containers are exchanged. It is HAProxy.

Its two places are told at run time which container they stand for, so no connection of a caller is ever closed for an
exchange. nginx would have to reload, and closes idle connections then, on which a request may just be coming.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlops.core.serving.places import PORT

BACKEND, PLACES = "model", ("a", "b")
SOCKET, STATE = "/run/haproxy/admin.sock", "/run/haproxy/state"
# srv_admin_state and srv_op_state of the manual; 0x04 only says that the configuration had begun with maintenance.
_MAINTENANCE, _DRAINING, _RUNNING = 0x01 | 0x02, 0x08, 2
_UNSET = "unset.invalid"
CONFIG = f"""\
global
  log stdout format raw local0 notice
  stats socket {SOCKET} mode 600 level admin
  server-state-file {STATE}
  maxconn 4096

resolvers engine
  nameserver docker 127.0.0.11:53
  timeout resolve 500ms
  timeout retry 500ms
  hold valid 1s
  hold nx 500ms

defaults
  mode http
  log global
  load-server-state-from-file global
  option redispatch 1
  retries 3
  timeout connect 2s
  timeout client 75s
  timeout server 75s
  timeout http-request 10s
  timeout http-keep-alive 75s
  timeout queue 5s
  errorfile 503 /etc/haproxy/away.http

frontend callers
  bind :{PORT}
  http-request set-header X-Forwarded-For %[src]
  http-response del-header Server
  default_backend {BACKEND}

backend {BACKEND}
  option httpchk GET /ping
  http-check expect status 200
  default-server check inter 1s fastinter 200ms fall 5 rise 1 init-addr none resolvers engine resolve-prefer ipv4
""" + "".join(f"  server {place} {_UNSET}:{PORT} disabled\n" for place in PLACES)
AWAY = (
    "HTTP/1.0 503 Service Unavailable\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n"
    "Retry-After: 2\r\nConnection: close\r\n\r\n"
    '{"error_code":"NOT_SERVED","message":"no version is served here now","mend":"try again"}'
)


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two places behind the front.

    :param name: its name.
    :param container: the container that it stands for; ``None`` for none.
    :param takes: whether it gets requests.
    :param up: whether the container answers.
    """

    name: str
    container: str | None
    takes: bool
    up: bool


def places(state: str) -> list[Place]:
    """Read what HAProxy says of its servers (``show servers state``)."""
    found, names = [], []
    for line in state.splitlines():
        if line.startswith("# "):
            names = line[2:].split()
        elif names and len(values := line.split()) >= len(names):
            row = dict(zip(names, values, strict=False))
            admin, container = int(row["srv_admin_state"]), row.get("srv_fqdn", "-")
            found.append(
                Place(
                    row["srv_name"],
                    None if container in ("-", _UNSET) else container,
                    not admin & (_MAINTENANCE | _DRAINING),
                    int(row["srv_op_state"]) == _RUNNING,
                )
            )
    return found


def live(found: list[Place]) -> Place | None:
    """Give the place that gets requests, if any does."""
    return next((place for place in found if place.takes and place.container), None)


def free(found: list[Place]) -> Place:
    """Give a place that gets none."""
    return next(place for place in found if not place.takes or not place.container)


def bring(place: str, container: str) -> list[str]:
    """Give the commands by which a place stands for a container, is watched, and gets no requests yet."""
    server = f"{BACKEND}/{place}"
    return [
        f"set server {server} state maint",
        f"set server {server} fqdn {container}",
        f"set server {server} state drain",
    ]


def exchange(place: str, instead_of: str | None) -> str:
    """Give the command, one line, by which a place gets the requests instead of another."""
    commands = [f"set server {BACKEND}/{place} state ready"]
    commands += [f"set server {BACKEND}/{instead_of} state drain"] if instead_of else []
    return "; ".join(commands)


def leave(place: str) -> str:
    """Give the command by which a place stands for nothing that is asked."""
    return f"set server {BACKEND}/{place} state maint"


def busy(statistics: str, place: str) -> int:
    """Count the requests that a place is at, by what HAProxy says (``show stat``)."""
    lines = statistics.lstrip("# ").splitlines()
    names = lines[0].split(",") if lines else []
    for line in lines[1:]:
        row = dict(zip(names, line.split(","), strict=False))
        if row.get("pxname") == BACKEND and row.get("svname") == place:
            return int(row.get("scur") or 0)
    return 0
