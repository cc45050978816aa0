"""Write the simulated company into its database, unless it exists."""

from __future__ import annotations

import os

from include.churn.business import build
from include.churn.database import METADATA, write


def main() -> None:
    """Write all tables in one transaction."""
    from sqlalchemy import create_engine, func, inspect, select

    engine = create_engine(os.environ["MLOPS_CHURN_URL"])
    customers = METADATA.tables["customers"]
    with engine.connect() as connection:
        exists = inspect(connection).has_table(customers.name)
        number = connection.scalar(select(func.count()).select_from(customers)) if exists else 0
    if not number:
        business = build(int(os.environ["MLOPS_CHURN_SEED"]), int(os.environ["MLOPS_CHURN_SIZE"]))
        write(business, engine)
        number = len(business.customers)
    print(f"the company has {number} customers")


if __name__ == "__main__":
    main()
