from __future__ import annotations

from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy import Engine, create_engine

from include.churn.business import Business, build
from include.churn.database import write

SEED = 3
SIZE = 300


@pytest.fixture(scope="session")
def changed() -> Business:
    return build(SEED, SIZE)


@pytest.fixture(scope="session")
def unchanged() -> Business:
    return build(SEED, SIZE, change=False)


@pytest.fixture(scope="session")
def written(changed: Business, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("churn") / "churn.db"
    write(changed, create_engine(f"sqlite:///{path}"))
    return path


@pytest.fixture
def engine(written: Path, tmp_path: Path) -> Engine:
    """Each test gets a copy of its own, as some delete the future from it."""
    return create_engine(f"sqlite:///{copy(written, tmp_path)}")
