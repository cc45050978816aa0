"""``python -m include.churn``: write the simulated company into a database."""

from __future__ import annotations

import argparse
from datetime import timedelta

from sqlalchemy import create_engine

from include.churn.business import END, FIRST_DAY, build
from include.churn.calendar import CHANGE_DAY
from include.churn.database import write


def main() -> None:
    """Write a simulated company into a database and print a summary."""
    parser = argparse.ArgumentParser(prog="python -m include.churn", description=main.__doc__)
    parser.add_argument("--url", required=True, help="SQLAlchemy URL, such as sqlite:////tmp/churn.db")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", type=int, default=3000, help="approximate number of customers before the change")
    parser.add_argument("--no-change", action="store_true", help="simulate without the change")
    options = parser.parse_args()
    business = build(options.seed, options.size, change=not options.no_change)
    write(business, create_engine(options.url))
    print(
        f"{len(business.customers)} customers, {len(business.daily_activity)} days of activity,"
        f" {len(business.support_calls)} support calls, {len(business.payments)} payments"
    )
    change = "no change" if options.no_change else f"change on {CHANGE_DAY}"
    print(f"{FIRST_DAY} to {END - timedelta(days=1)}; {change}")


if __name__ == "__main__":
    main()
