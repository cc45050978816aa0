"""Text out of a template means yes, no, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.yes_no import yes_or_no


@pytest.mark.parametrize("given", [True, "True", "true", " YES ", "1", 1])
def test_yes_is_yes_however_it_is_written(given: Any) -> None:
    assert yes_or_no(given, "cost") is True


@pytest.mark.parametrize("given", [False, "False", "false", "No\n", "0", 0])
def test_text_that_says_no_is_no_though_it_is_text(given: Any) -> None:
    assert yes_or_no(given, "cost") is False


@pytest.mark.parametrize("given", ["", "None", None, "maybe", "2", "falsch"])
def test_what_is_neither_is_an_error_that_names_the_parameter(given: Any) -> None:
    with pytest.raises(BadInput, match="cost=.* cannot be read") as told:
        yes_or_no(given, "cost", where="connection c")
    assert (told.value.where, told.value.mend) == ("connection c", "give true or false")


@pytest.mark.parametrize("unsaid", [True, False])
def test_nothing_is_what_it_is_to_mean_and_a_wrong_word_is_no_nothing(unsaid: bool) -> None:
    for nothing in ("", " ", "None", None):
        assert yes_or_no(nothing, "cost", unsaid=unsaid) is unsaid
    assert yes_or_no("no", "cost", unsaid=unsaid) is False
    assert yes_or_no("yes", "cost", unsaid=unsaid) is True
    with pytest.raises(BadInput):
        yes_or_no("maybe", "cost", unsaid=unsaid)
