"""Make or migrate the tables of MLflow's runs and models; those of its users the server makes itself."""

from __future__ import annotations

import os


def main() -> None:
    """Do as ``mlflow db upgrade URL`` does, but with the URL out of the list of processes."""
    from mlflow.db import commands as tracking
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    url = os.environ["MLFLOW_BACKEND_STORE_URI"]
    tracking.main(["upgrade", url], standalone_mode=False)
    SqlAlchemyStore(url, "mlflow-artifacts:/")  # the default experiment
    print("MLflow's tables are there")


if __name__ == "__main__":
    main()
