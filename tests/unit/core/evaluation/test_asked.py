"""What was asked for may have gone through a template; what cannot be meant is refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.evaluation.asked import Asked


def test_rendered_text_is_read_as_what_it_says() -> None:
    read = Asked.read(
        slices="region", groups=["sex"], threshold="0.3", importance="False", cost="true", train_sample="7"
    )
    assert read == Asked(["region"], ["sex"], 0.3, False, True, 7)
    assert Asked.read(slices=None, groups=()) == Asked([], [])


@pytest.mark.parametrize(
    "given",
    [
        {"threshold": "high"},
        {"threshold": 0},
        {"threshold": 1.5},
        {"importance": "maybe"},
        {"train_sample": "some"},
        {"train_sample": -1},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Asked.read(**given)
