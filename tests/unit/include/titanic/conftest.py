from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from airflow_mlops.core.data.files import read_file
from include.titanic.source import cast_text_columns
from include.titanic.synthetic_data import generate_passengers


@pytest.fixture(scope="session")
def titanic_csv(test_data: Path) -> Path:
    """The real passenger list, which is no part of the project."""
    return test_data / "titanic.csv"


@pytest.fixture(scope="session")
def real(titanic_csv: Path) -> pd.DataFrame:
    return cast_text_columns(pd.concat(read_file(str(titanic_csv))))


@pytest.fixture(scope="session")
def generated() -> pd.DataFrame:
    return generate_passengers()
