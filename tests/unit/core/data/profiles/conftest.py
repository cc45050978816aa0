"""How two profiles are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_mlops.core.data import Profile
from tests.comparing.profiles import alike

Same = Callable[[Profile, Profile], bool]


@pytest.fixture(scope="session")
def same() -> Same:
    """Equal in everything that is counted; sums of floats to the last digits."""
    return alike
