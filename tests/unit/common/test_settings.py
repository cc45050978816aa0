"""Settings name the key that is wrong, and the new name of one that was renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.settings import Settings


class Inner(Settings):
    renamed: ClassVar[Mapping[str, str]] = {"share": "fraction", "most": "maximum"}
    fraction: float = 0.1
    maximum: int = 1


class Outer(Settings):
    inner: Inner = Inner()


def test_a_renamed_key_is_refused_by_its_new_name_wherever_it_is_nested() -> None:
    with pytest.raises(BadInput, match=r"inner: 'share' was renamed to 'fraction'") as caught:
        Outer.load({"inner": {"share": 0.2}}, where="policy.yaml")
    assert caught.value.where == "policy.yaml"


def test_all_renamed_keys_are_named_at_once() -> None:
    with pytest.raises(BadInput, match=r"'share' was renamed to 'fraction'; 'most' was renamed to 'maximum'"):
        Inner.load({"share": 0.2, "most": 3})


def test_the_new_keys_are_read() -> None:
    assert Outer.load({"inner": {"fraction": 0.2}}).inner.fraction == 0.2
