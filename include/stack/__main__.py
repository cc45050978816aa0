"""``docker/stack story``: run the demo scenario on the production stack, in a container of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from include.demo import outcome
from include.demo.api import RestError
from include.demo.rest import RestClient
from include.demo.scenario import DemoScenario, ScenarioError
from include.demo.waiting import DemoTimeoutError, UnhealthyError
from include.stack.services import StackServices

RETRIES = 8
"""Requests are retried for about two minutes, enough for a service to restart."""
STEP_SECONDS = 900.0
"""Timeout of a step: the retry of a killed worker's task alone takes two minutes."""
PATIENCE = 180.0
"""How long a service may be unavailable; a restart can take a minute on a busy machine."""


def main() -> int:
    """Run the scenario and return the exit code."""
    parser = argparse.ArgumentParser(prog="docker/stack story", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the summary to this file")
    args = parser.parse_args()
    services = StackServices.from_environment(os.environ)
    try:
        DemoScenario(_client(os.environ), services, _print, patience=STEP_SECONDS).run()
    except (DemoTimeoutError, RestError, ScenarioError, UnhealthyError) as error:
        print(f"\nThe scenario failed: {error}", file=sys.stderr, flush=True)
        return 1
    summary = outcome.read_summary(services)
    if args.json:
        args.json.write_text(json.dumps(summary, indent=1) + "\n")
    _print("\n".join(["", outcome.HEADING, *(outcome.format_week(week) for week in summary["weeks"])]))
    _print(
        f"retrainings triggered by drift: {len(summary['retrainings'])}; {outcome.format_champion(services.database)}"
    )
    return 0


def _client(environment: Mapping[str, str]) -> RestClient:
    url, password = environment["MLOPS_AIRFLOW_URL"], environment["MLOPS_AIRFLOW_PASSWORD"]
    return RestClient(url, "admin", password, retries=RETRIES, patience=PATIENCE)


def _print(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
