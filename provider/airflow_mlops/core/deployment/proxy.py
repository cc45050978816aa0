"""HAProxy proxy: the permanent address of an endpoint, behind which containers are switched.

Containers are assigned to its two slots at run time, so a switch never closes a caller's connection. nginx would have
to reload, which closes idle connections on which a request may just be arriving.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlops.core.serving.container_paths import PORT

BACKEND, SLOTS = "model", ("a", "b")
SOCKET, STATE_FILE = "/run/haproxy/admin.sock", "/run/haproxy/state"
# srv_admin_state and srv_op_state of the HAProxy manual; 0x04 only says that the configured state was maintenance.
_MAINTENANCE, _DRAINING, _RUNNING = 0x01 | 0x02, 0x08, 2
_UNSET_HOST = "unset.invalid"
HAPROXY_CONFIG = f"""\
global
  log stdout format raw local0 notice
  stats socket {SOCKET} mode 600 level admin
  server-state-file {STATE_FILE}
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
  errorfile 503 /etc/haproxy/unavailable.http

frontend callers
  bind :{PORT}
  http-request set-header X-Forwarded-For %[src]
  http-response del-header Server
  default_backend {BACKEND}

backend {BACKEND}
  option httpchk GET /ping
  http-check expect status 200
  default-server check inter 1s fastinter 200ms fall 5 rise 1 init-addr none resolvers engine resolve-prefer ipv4
""" + "".join(f"  server {place} {_UNSET_HOST}:{PORT} disabled\n" for place in SLOTS)
UNAVAILABLE_RESPONSE = (
    "HTTP/1.0 503 Service Unavailable\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n"
    "Retry-After: 2\r\nConnection: close\r\n\r\n"
    '{"error_code":"NO_VERSION_SERVED","message":"no version is served here now","hint":"try again"}'
)


@dataclass(frozen=True, slots=True)
class ProxySlot:
    """One of the two slots behind the proxy.

    :param name: its name.
    :param container: the assigned container; ``None`` when empty.
    :param active: whether it receives requests.
    :param healthy: whether the container passes its health check.
    """

    name: str
    container: str | None
    active: bool
    healthy: bool


def parse_slots(state: str) -> list[ProxySlot]:
    """Parse the slots from HAProxy's ``show servers state``."""
    slots, names = [], []
    for line in state.splitlines():
        if line.startswith("# "):
            names = line[2:].split()
        elif names and len(values := line.split()) >= len(names):
            row = dict(zip(names, values, strict=False))
            admin, container = int(row["srv_admin_state"]), row.get("srv_fqdn", "-")
            slots.append(
                ProxySlot(
                    row["srv_name"],
                    None if container in ("-", _UNSET_HOST) else container,
                    not admin & (_MAINTENANCE | _DRAINING),
                    int(row["srv_op_state"]) == _RUNNING,
                )
            )
    return slots


def active_slot(slots: list[ProxySlot]) -> ProxySlot | None:
    """Return the slot that receives requests, if any."""
    return next((place for place in slots if place.active and place.container), None)


def idle_slot(slots: list[ProxySlot]) -> ProxySlot:
    """Return a slot that receives no requests."""
    return next(place for place in slots if not place.active or not place.container)


def register_commands(slot: str, container: str) -> list[str]:
    """Return the commands that assign a container to a slot and health-check it, without sending it requests."""
    server = f"{BACKEND}/{slot}"
    return [
        f"set server {server} state maint",
        f"set server {server} fqdn {container}",
        f"set server {server} state drain",
    ]


def switch_command(slot: str, replaced: str | None) -> str:
    """Return the command, one line, that sends the requests to one slot instead of another."""
    commands = [f"set server {BACKEND}/{slot} state ready"]
    commands += [f"set server {BACKEND}/{replaced} state drain"] if replaced else []
    return "; ".join(commands)


def disable_command(slot: str) -> str:
    """Return the command that takes a slot out of service."""
    return f"set server {BACKEND}/{slot} state maint"


def active_requests(statistics: str, slot: str) -> int:
    """Count the active requests of a slot, from HAProxy's ``show stat``."""
    lines = statistics.lstrip("# ").splitlines()
    names = lines[0].split(",") if lines else []
    for line in lines[1:]:
        row = dict(zip(names, line.split(","), strict=False))
        if row.get("pxname") == BACKEND and row.get("svname") == slot:
            return int(row.get("scur") or 0)
    return 0
