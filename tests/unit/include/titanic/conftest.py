from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from airflow_mlops.core.data.files import read_file
from include.titanic.look_alike import passengers
from include.titanic.source import typed

REPO = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def titanic_csv() -> Path:
    """The real passenger list, which is no part of the project."""
    path = Path(os.environ.get("MLOPS_TEST_DATA") or REPO.parent / "shared" / "data") / "titanic.csv"
    if not path.is_file():
        pytest.skip(f"there is no {path}: name the folder that has titanic.csv with MLOPS_TEST_DATA")
    return path


@pytest.fixture(scope="session")
def real(titanic_csv: Path) -> pd.DataFrame:
    return typed(pd.concat(read_file(str(titanic_csv))))


@pytest.fixture(scope="session")
def generated() -> pd.DataFrame:
    return passengers()
