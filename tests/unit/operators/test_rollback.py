"""What the form of a rollback may say."""

from __future__ import annotations

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.operators.rollback import parse_version_number


@pytest.mark.parametrize(
    ("value", "number"), [(None, None), ("", None), (" ", None), ("None", None), (3, 3), ("3", 3), (" 12 ", 12)]
)
def test_a_version_comes_as_a_number_a_text_or_nothing(value: object, number: int | None) -> None:
    assert parse_version_number(value) == number  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["latest", "-1", "1.5", True, "3; DROP TABLE"])
def test_an_invalid_version_number_is_an_error(value: object) -> None:
    with pytest.raises(BadInput, match="not a valid version number"):
        parse_version_number(value)  # type: ignore[arg-type]
