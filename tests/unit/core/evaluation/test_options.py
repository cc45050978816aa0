"""Values that an evaluation cannot use are refused."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.evaluation.options import EvaluationOptions


@pytest.mark.parametrize("values", [{"threshold": 0}, {"threshold": 1.5}, {"train_sample": -1}])
def test_a_value_out_of_range_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        EvaluationOptions(**values)
