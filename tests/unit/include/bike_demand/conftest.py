from __future__ import annotations

import pandas as pd
import pytest

from include.bike_demand.look_alike import hours


@pytest.fixture(scope="session")
def generated() -> pd.DataFrame:
    return hours()
