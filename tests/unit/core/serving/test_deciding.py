"""Whatever an attempt has left, the container that gets requests is never removed before another one has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.serving.deciding import Found, plan

FOUND = st.lists(
    st.builds(Found, name=st.sampled_from("abcdef"), key=st.sampled_from(["old", "new"]), running=st.booleans()),
    unique_by=lambda one: one.name,
)


@given(FOUND, st.none() | st.sampled_from("abcdef"))
def test_what_gets_requests_stays_and_all_else_is_used_or_goes(found: list[Found], live: str | None) -> None:
    decided = plan(found, live, "new")
    assert live not in decided.gone
    assert decided.adopted not in decided.gone
    assert decided.adopted is None or decided.serves is None
    rest = {one.name for one in found} - {live, decided.adopted}
    assert set(decided.gone) == rest
    for name in filter(None, (decided.serves, decided.adopted)):
        chosen = next(one for one in found if one.name == name)
        assert chosen.running
        assert chosen.key == "new"


def test_a_second_attempt_goes_on_with_what_the_first_has_started() -> None:
    found = [Found("old", "1", True), Found("half", "2", True), Found("dead", "2", False)]
    decided = plan(found, "old", "2")
    assert (decided.serves, decided.adopted, decided.gone) == (None, "half", ("dead",))


def test_what_is_served_already_is_only_tried() -> None:
    assert plan([Found("x", "2", True), Found("y", "1", True)], "x", "2").serves == "x"
    assert plan([Found("x", "2", True), Found("y", "1", True)], "x", "2").gone == ("y",)
