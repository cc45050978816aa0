"""Settings of the model server."""

from __future__ import annotations

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.serving.settings import RequestLimits


@pytest.mark.parametrize(("old", "new"), RequestLimits.renamed.items())
def test_a_limit_under_its_old_name_is_refused_by_the_new_one(old: str, new: str) -> None:
    assert new in RequestLimits.model_fields
    with pytest.raises(BadInput, match=f"'{old}' was renamed to '{new}'"):
        RequestLimits.load({old: 5}, where="limits")
