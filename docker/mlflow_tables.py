"""Make or migrate MLflow's tables: those of its runs and models, and those of its users."""

from __future__ import annotations

import os


def main() -> None:
    """Do as ``mlflow db upgrade URL`` and its like do, but with the URL out of the list of processes."""
    from mlflow.db import commands as tracking
    from mlflow.server.auth.db import cli as users
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    url = os.environ["MLFLOW_BACKEND_STORE_URI"]
    tracking.main(["upgrade", url], standalone_mode=False)
    SqlAlchemyStore(url, "mlflow-artifacts:/")  # the default experiment
    users.commands.main(["upgrade", "--url", url], standalone_mode=False)
    print("MLflow's tables are there")


if __name__ == "__main__":
    main()
