"""How two profiles are compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_mlops.core.data.profiles import Profile
from tests.differential.profiles import profiles_equal

Same = Callable[[Profile, Profile], bool]


@pytest.fixture(scope="session")
def same() -> Same:
    """Equal in everything that is counted; sums of floats to the last digits."""
    return profiles_equal
