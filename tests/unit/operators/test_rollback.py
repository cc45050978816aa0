"""What the form of a rollback may say."""

from __future__ import annotations

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.operators.rollback import version_of


@pytest.mark.parametrize(
    ("value", "number"), [(None, None), ("", None), (" ", None), ("None", None), (3, 3), ("3", 3), (" 12 ", 12)]
)
def test_a_version_comes_as_a_number_a_text_or_nothing(value: object, number: int | None) -> None:
    assert version_of(value) == number  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["latest", "-1", "1.5", True, "3; DROP TABLE"])
def test_what_is_no_version_s_number_is_told(value: object) -> None:
    with pytest.raises(BadInput, match="no version's number"):
        version_of(value)  # type: ignore[arg-type]
