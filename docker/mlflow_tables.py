"""Create or migrate MLflow's tables of runs and models. The server creates those of its users."""

from __future__ import annotations

import os


def main() -> None:
    """Run ``mlflow db upgrade URL`` without exposing the URL in the process list."""
    from mlflow.db import commands as tracking
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    url = os.environ["MLFLOW_BACKEND_STORE_URI"]
    tracking.main(["upgrade", url], standalone_mode=False)
    SqlAlchemyStore(url, "mlflow-artifacts:/")  # the default experiment
    print("MLflow's tables are ready")


if __name__ == "__main__":
    main()
