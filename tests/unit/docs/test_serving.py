"""What the page on serving shows works as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.serving.errors import RequestError
from airflow_mlops.core.serving.request_validation import RequestContract
from airflow_mlops.core.serving.settings import RequestLimits
from airflow_mlops.model_server.prometheus import COUNTERS, PREFIX

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    (found,) = re.findall(rf"```{name}\n(.*?)```", PAGE, flags=re.DOTALL)
    return found


@pytest.mark.parametrize("name", ["serving", "following"])
def test_the_tasks_can_be_made_as_they_stand_there(name: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(block(f"python {name}"), "docs/serving.md", "exec"), names)


def test_the_refusal_is_what_is_answered() -> None:
    contract = {"name": "c", "columns": {"Age": {"type": "float", "max": 120}}}
    with pytest.raises(RequestError) as told:
        RequestContract(Contract.load(contract)).validate({"Age": [200]})
    assert json.loads(json.dumps(told.value.to_dict())) == json.loads(block("json refusal"))


def test_each_limit_is_named() -> None:
    assert [name for name in RequestLimits.model_fields if f"`{name}`" not in PAGE] == []


def test_the_figure_is_one_that_is_there() -> None:
    (named,) = set(re.findall(rf"`{PREFIX}_(\w+)\{{", PAGE))
    assert named in COUNTERS
