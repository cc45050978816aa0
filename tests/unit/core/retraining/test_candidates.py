"""What a training fits, by what it is asked to start from and what there is to start from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.retraining.candidates import (
    CandidateSelection,
    candidate_name,
    normalise_candidates,
    select_candidates,
)

PLAIN = {"build": "m.model:linear"}
SEARCH = {"build": "m.model:boosted", "space": {"depth": [2, 4]}}
OWN = {"build": "m.model:boosted", "candidate": "deep", "model_params": {"depth": 9}}
CANDIDATE = st.sampled_from([PLAIN, SEARCH, {**SEARCH, "space": None}, {**PLAIN, "candidate": "other"}])


def nobody() -> dict[str, Any]:
    raise BadInput("there is no champion")


def unasked() -> dict[str, Any]:
    raise AssertionError("the champion was asked for")


def test_the_champion_s_configuration_is_all_that_is_fitted_when_it_is_to_start_from_it() -> None:
    assert select_candidates("champion", [PLAIN, SEARCH], lambda: OWN) == CandidateSelection("champion", [OWN])


def test_a_retraining_is_not_lost_with_the_champion_s_configuration() -> None:
    found = select_candidates("champion", [PLAIN, SEARCH], nobody)
    assert (found.start_from, found.candidates) == ("candidates", [PLAIN, SEARCH])
    assert found.fallback_reason == "there is no champion"


def test_what_is_no_matter_of_the_input_is_not_hidden() -> None:
    def away() -> dict[str, Any]:
        raise ConnectionError("MLflow is away")

    with pytest.raises(ConnectionError):
        select_candidates("champion", [PLAIN], away)


def test_a_new_tuning_is_of_those_that_have_a_space_and_else_of_the_candidates_as_they_are() -> None:
    assert select_candidates("tuning", [PLAIN, SEARCH], unasked) == CandidateSelection("tuning", [SEARCH])
    assert select_candidates("tuning", [PLAIN], unasked) == CandidateSelection(
        "candidates", [PLAIN], "no candidate has a space"
    )


def test_another_start_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match=r"'Champion' is not a valid.*\n.*supported: candidates, champion, tuning"):
        select_candidates("Champion", [PLAIN], unasked)


@given(
    st.sampled_from(["candidates", "champion", "tuning"]), st.lists(CANDIDATE, min_size=1, max_size=5), st.booleans()
)
def test_there_is_always_something_to_fit_and_each_of_it_for_one_task(
    asked: str, those: list[dict[str, Any]], reigns: bool
) -> None:
    found = select_candidates(asked, those, (lambda: OWN) if reigns else nobody)
    assert found.candidates
    assert all(one in [*those, OWN] for one in found.candidates)
    assert (found.fallback_reason is None) == (found.start_from == asked)
    searched, plain = found.filtered(True), found.filtered(False)
    assert len(searched) + len(plain) == len(found.candidates) == len(found.filtered(None))
    assert all(one["space"] for one in searched)
    assert not any(one.get("space") for one in plain)


def test_an_import_path_is_the_build_of_a_candidate() -> None:
    given_ = {"build": "m.model:linear", "candidate": "c"}
    found = normalise_candidates(["m.model:linear", given_])
    assert found == [PLAIN, given_]
    assert found[1] is not given_
    assert [candidate_name(one) for one in found] == ["linear", "c"]


@pytest.mark.parametrize("nothing", [[], (), "m.model:linear", None, {"build": "m.model:linear"}])
def test_what_is_no_list_of_candidates_is_told(nothing: Any) -> None:
    with pytest.raises(BadInput, match="candidates must be a list with at least one"):
        normalise_candidates(nothing)


@pytest.mark.parametrize("one", [{}, {"build": ""}, {"build": nobody}, nobody, 3])
def test_a_candidate_without_an_import_path_is_told_by_its_number(one: Any) -> None:
    with pytest.raises(BadInput, match="no import path in build") as told:
        normalise_candidates(["m.model:linear", one])
    assert told.value.where == "candidates[1]"
