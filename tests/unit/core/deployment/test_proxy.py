"""What HAProxy says of its places is read, and what it is told is one line."""

from __future__ import annotations

from airflow_mlops.core.deployment import proxy
from airflow_mlops.core.deployment.proxy import ProxySlot

STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_fqdn srv_port
3 model 1 a 172.18.0.3 2 68 1 1 mlops-serving-titanic-v1-aa 8080
3 model 2 b - 0 37 1 1 unset.invalid 8080
"""
STAT = "# pxname,svname,qcur,qmax,scur,smax\ncallers,FRONTEND,,,7,9\nmodel,a,0,0,3,5\nmodel,b,0,0,0,0\n"


def test_places_are_read() -> None:
    found = proxy.parse_slots(STATE)
    assert found == [
        ProxySlot("a", "mlops-serving-titanic-v1-aa", active=True, healthy=True),
        ProxySlot("b", None, active=False, healthy=False),
    ]
    assert proxy.active_slot(found) == found[0]
    assert proxy.idle_slot(found) == found[1]


def test_a_place_that_is_draining_gets_no_requests() -> None:
    found = proxy.parse_slots(STATE.replace(" 2 68 ", " 2 76 "))
    assert proxy.active_slot(found) is None
    assert proxy.idle_slot(found).name == "a"


def test_requests_that_are_not_ended_are_counted() -> None:
    assert proxy.active_requests(STAT, "a") == 3
    assert proxy.active_requests(STAT, "b") == 0
    assert proxy.active_requests("", "a") == 0


def test_an_exchange_is_one_line_in_which_the_new_one_comes_first() -> None:
    assert proxy.switch_command("b", "a") == "set server model/b state ready; set server model/a state drain"
    assert proxy.switch_command("a", None) == "set server model/a state ready"
