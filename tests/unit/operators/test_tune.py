"""What the tuning operator makes of its parameters; how it runs is shown by ``dag.test``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.training.tuning import Tuning
from airflow_mlops.execution.steps.parameters import SEARCH_SETTINGS, TuneParameters

SPACE = {"rate": [1, 2, 3]}


def tuning(**settings: Any) -> Tuning:
    rows = {"train": "a@b", "validation": "a@b"}
    return TuneParameters.load({"build": "a.b:c", "target": "y", "space": SPACE, **rows, **settings}).to_tuning()


def test_every_setting_of_a_search_can_be_given() -> None:
    assert set(SEARCH_SETTINGS) == set(Tuning.model_fields) - {"space"}


def test_what_is_given_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tuning.yaml"
    file.write_text("space: {rate: [1, 2]}\nmethod: grid\nseed: 5\n")
    found = tuning(space=str(file), method="random", trials="4", part=0, parts="2")
    assert (found.method, found.trials, found.seed, found.trial_numbers) == ("random", 4, 5, range(0, 4, 2))
    assert found.space["rate"].values == (1, 2)


def test_what_a_template_has_rendered_to_nothing_is_not_given() -> None:
    assert tuning(folds="None", group="", timeout=None) == Tuning.load({"space": SPACE})


def test_a_mistake_names_the_file_and_the_key(tmp_path: Path) -> None:
    file = tmp_path / "tuning.yaml"
    file.write_text("space: {rate: {low: 3, high: 1}}\n")
    with pytest.raises(BadInput, match=r"space\.rate: low=3 must be below high=1") as message:
        tuning(space=str(file))
    assert message.value.where == str(file)
    file.write_text("- rate\n")
    with pytest.raises(BadInput, match="a tuning file has to be a mapping"):
        tuning(space=str(file))
