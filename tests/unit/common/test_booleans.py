"""Text from a template is parsed as true, false or the default."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.common.booleans import parse_bool
from airflow_mlops.common.errors import BadInput


@pytest.mark.parametrize("value", [True, "True", "true", " YES ", "1", 1])
def test_true_is_parsed_in_any_spelling(value: Any) -> None:
    assert parse_bool(value, "cost") is True


@pytest.mark.parametrize("value", [False, "False", "false", "No\n", "0", 0])
def test_false_is_parsed_in_any_spelling(value: Any) -> None:
    assert parse_bool(value, "cost") is False


@pytest.mark.parametrize("value", ["", "None", None, "maybe", "2", "falsch"])
def test_an_invalid_value_raises_with_the_parameter_s_name(value: Any) -> None:
    with pytest.raises(BadInput, match="cost=.* is not a valid boolean") as caught:
        parse_bool(value, "cost", where="connection c")
    assert (caught.value.where, caught.value.hint) == ("connection c", "use true or false")


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_value_means_the_default_and_an_invalid_one_raises(default: bool) -> None:
    for empty in ("", " ", "None", None):
        assert parse_bool(empty, "cost", default=default) is default
    assert parse_bool("no", "cost", default=default) is False
    assert parse_bool("yes", "cost", default=default) is True
    with pytest.raises(BadInput):
        parse_bool("maybe", "cost", default=default)
