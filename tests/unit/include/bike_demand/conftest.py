from __future__ import annotations

import pandas as pd
import pytest

from include.bike_demand.synthetic_data import generate_hours


@pytest.fixture(scope="session")
def generated() -> pd.DataFrame:
    return generate_hours()
