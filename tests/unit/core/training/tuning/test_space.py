"""A search space is read strictly, and what is drawn from it, or gone through, is in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.tuning import SearchParameter, Tuning
from airflow_mlops.core.training.tuning.tpe import _from_internal, _to_internal, to_distribution

YAML = """
method: grid
space:
  learning_rate: {low: 0.01, high: 0.3, log: true, points: 3}
  max_leaf_nodes: {low: 4, high: 64, type: int, step: 20}
  kind: [a, b, c]
"""


def draws(parameter: SearchParameter, times: int = 300) -> list[Any]:
    return [parameter.draw(np.random.default_rng([7, n])) for n in range(times)]


def test_a_space_is_the_same_in_yaml_and_in_python(tmp_path: Path) -> None:
    (tmp_path / "tuning.yaml").write_text(YAML)
    read = Tuning.load(tmp_path / "tuning.yaml")
    written = Tuning(
        method="grid",
        space={
            "learning_rate": SearchParameter(low=0.01, high=0.3, log=True, points=3),
            "max_leaf_nodes": SearchParameter(low=4, high=64, type="int", step=20),
            "kind": SearchParameter(values=("a", "b", "c")),
        },
    )
    assert read == written == Tuning.load(read.to_dict())
    assert read.space["learning_rate"].grid() == [0.01, pytest.approx(math.sqrt(0.003)), 0.3]
    assert read.space["max_leaf_nodes"].grid() == [4, 24, 44, 64]
    assert read.space["kind"].grid() == ["a", "b", "c"]
    assert len(read.trial_numbers) == 3 * 4 * 3


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ({"low": 1, "high": 1}, r"space\.rate: low=1 must be below high=1"),
        ({"low": 0, "high": 1, "log": True}, r"space\.rate: log requires low above 0; got 0"),
        ({"low": 0.1, "high": 1, "log": True, "step": 0.1}, r"space\.rate: log and step exclude each other"),
        ({"low": 0.5, "high": 4, "type": "int"}, r"space\.rate: low, high and step must be integers"),
        ({"low": 0, "high": math.inf}, r"space\.rate: low=0 must be below high=inf, and both finite"),
        ({"low": 0}, r"space\.rate: give values, or low and high"),
        ({"low": 0, "hihg": 1}, r"space\.rate\.hihg: is not a known key; did you mean 'high'\?"),
        ({"low": "much", "high": 1}, r"space\.rate\.low: .* \(got 'much'\)"),
        ({"values": [1, 2], "low": 0}, r"space\.rate: \['low'\] cannot be combined"),
        ([], r"space\.rate\.values: give 1 to 1000 values; got 0"),
        ([1, 2, 1], r"space\.rate\.values: values contain a duplicate"),
        ([math.nan], r"space\.rate\.values: values must be JSON-serialisable"),
        ([object()], r"space\.rate\.values: values must be JSON-serialisable"),
        (3, r"space\.rate: give a list of values, or low and high"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_told_with_its_path(parameter: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Tuning.load({"space": {"rate": parameter}})


def test_values_of_several_types_stay_apart_and_tuples_are_lists() -> None:
    parameter = SearchParameter.load({"values": [1, True, 1.0, None, (32, 16)]})
    assert [repr(value) for value in parameter.grid()] == ["1", "True", "1.0", "None", "[32, 16]"]


@pytest.mark.parametrize("given", [{"low": 0, "high": 1}, {"low": 0, "high": 1e6, "type": "int"}])
def test_a_range_that_a_grid_cannot_go_through_is_told(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"space\.rate: a grid"):
        Tuning.load({"method": "grid", "space": {"rate": given}})


def test_steps_that_do_not_lead_to_the_end_stop_before_it() -> None:
    assert SearchParameter(low=0.1, high=0.75, step=0.2).grid() == [0.1, 0.3, 0.5, 0.7]
    assert set(draws(SearchParameter(low=0.1, high=0.75, step=0.2))) == {0.1, 0.3, 0.5, 0.7}


def test_a_log_range_of_whole_numbers_gives_each_its_share() -> None:
    drawn = draws(SearchParameter(low=1, high=100, type="int", log=True), 4_000)
    below_ten = sum(value < 10 for value in drawn) / len(drawn)
    assert below_ten == pytest.approx(math.log(9.5 / 0.5) / math.log(100.5 / 0.5), abs=0.03)
    assert {type(value) for value in drawn} == {int}


@st.composite
def parameters(draw: st.DrawFn) -> SearchParameter:
    kind = draw(st.sampled_from(["values", "float", "int", "log", "log int", "step"]))
    if kind == "values":
        return SearchParameter(values=tuple(draw(st.lists(st.integers(0, 99), min_size=1, unique=True))))
    whole = "int" in kind
    numbers = st.integers(1, 500) if whole else st.floats(0.001, 100, allow_nan=False)
    low = draw(numbers)
    high = low + draw(st.integers(1, 500) if whole else st.floats(0.01, 100))
    step = draw(st.floats(0.01, 5)) if kind == "step" else None
    return SearchParameter(low=low, high=high, type="int" if whole else "float", log="log" in kind, step=step)


@given(parameters(), st.integers(0, 10_000))
def test_whatever_is_drawn_is_in_the_space(parameter: SearchParameter, number: int) -> None:
    drawn = parameter.draw(np.random.default_rng([0, number]))
    if parameter.values is not None:
        assert drawn in parameter.values
        return
    low, high = parameter.bounds
    assert low - 1e-9 <= drawn <= high + 1e-9
    assert isinstance(drawn, int if parameter.type == "int" else float)
    if parameter.value_count is not None:
        assert drawn == parameter.value_at(parameter.index_of(drawn))


@given(parameters(), st.integers(0, 10_000))
def test_optuna_takes_every_value_of_the_space(parameter: SearchParameter, number: int) -> None:
    drawn = parameter.draw(np.random.default_rng([0, number]))
    known = to_distribution(parameter)
    assert known._contains(known.to_internal_repr(_to_internal(parameter, drawn)))
    assert _from_internal(parameter, _to_internal(parameter, drawn)) == drawn
