"""Renamed keys of the policy: an old key is refused, and the error names the new one."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.settings import Settings
from airflow_mlops.core.monitoring.performance import PerformancePolicy
from airflow_mlops.core.retraining.policy import EpisodePolicy


@pytest.mark.parametrize(
    ("policy", "settings", "message"),
    [
        (EpisodePolicy, {"quiet": 3}, "'quiet' was renamed to 'recovery_windows'"),
        (PerformancePolicy, {"min_share": 0.5}, "'min_share' was renamed to 'min_labelled_fraction'"),
    ],
)
def test_an_old_key_is_refused_by_its_new_name(policy: type[Settings], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        policy.load(settings)
