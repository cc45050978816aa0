"""Whatever an attempt has left, the container that gets requests is never removed before another one has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.core.deployment.plan import ModelContainer, plan_deployment

FOUND = st.lists(
    st.builds(
        ModelContainer, name=st.sampled_from("abcdef"), key=st.sampled_from(["old", "new"]), running=st.booleans()
    ),
    unique_by=lambda one: one.name,
)


@given(FOUND, st.none() | st.sampled_from("abcdef"))
def test_what_gets_requests_stays_and_all_else_is_used_or_goes(found: list[ModelContainer], live: str | None) -> None:
    decided = plan_deployment(found, live, "new")
    assert live not in decided.removed
    assert decided.reused not in decided.removed
    assert decided.reused is None or decided.current is None
    rest = {one.name for one in found} - {live, decided.reused}
    assert set(decided.removed) == rest
    for name in filter(None, (decided.current, decided.reused)):
        chosen = next(one for one in found if one.name == name)
        assert chosen.running
        assert chosen.key == "new"


def test_a_second_attempt_goes_on_with_what_the_first_has_started() -> None:
    found = [ModelContainer("old", "1", True), ModelContainer("half", "2", True), ModelContainer("dead", "2", False)]
    decided = plan_deployment(found, "old", "2")
    assert (decided.current, decided.reused, decided.removed) == (None, "half", ("dead",))


def test_what_is_served_already_is_only_tried() -> None:
    assert plan_deployment([ModelContainer("x", "2", True), ModelContainer("y", "1", True)], "x", "2").current == "x"
    assert plan_deployment([ModelContainer("x", "2", True), ModelContainer("y", "1", True)], "x", "2").removed == ("y",)
