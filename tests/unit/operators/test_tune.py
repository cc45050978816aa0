"""What the tuning operator makes of its parameters; how it runs is shown by ``dag.test``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.operators.tune import SETTINGS, TuneModelOperator

SPACE = {"rate": [1, 2, 3]}


def operator(**settings: Any) -> TuneModelOperator:
    given = {"space": SPACE, **settings}
    return TuneModelOperator(task_id="t", build="a.b:c", train="a@b", validation="a@b", target="y", **given)


def test_every_setting_of_a_search_can_be_given() -> None:
    assert set(SETTINGS) == set(Tuning.model_fields) - {"space"}


def test_what_is_given_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tuning.yaml"
    file.write_text("space: {rate: [1, 2]}\nmethod: grid\nseed: 5\n")
    tuning = operator(space=str(file), method="random", trials="4", part=0, parts="2").tuning()
    assert (tuning.method, tuning.trials, tuning.seed, tuning.numbers) == ("random", 4, 5, range(0, 4, 2))
    assert tuning.space["rate"].values == (1, 2)


def test_what_a_template_has_rendered_to_nothing_is_not_given() -> None:
    assert operator(folds="None", group="", timeout=None).tuning() == Tuning.load({"space": SPACE})


def test_a_mistake_names_the_file_and_the_key(tmp_path: Path) -> None:
    file = tmp_path / "tuning.yaml"
    file.write_text("space: {rate: {low: 3, high: 1}}\n")
    with pytest.raises(BadInput, match=r"space\.rate: low=3 has to be below high=1") as told:
        operator(space=str(file)).tuning()
    assert told.value.where == str(file)
    file.write_text("- rate\n")
    with pytest.raises(BadInput, match="a tuning file has to be a mapping"):
        operator(space=str(file)).tuning()
