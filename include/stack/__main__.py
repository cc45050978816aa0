"""``docker/stack story``: live the closed loop through on the production stack, in a container beside its services."""

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
from include.demo.story import Story, StoryError
from include.demo.waiting import DemoTimeoutError, UnhealthyError
from include.stack.world import StackWorld

RETRIES = 8
"""A request is repeated for about two minutes: a service that was restarted is there again by then."""
STEP_SECONDS = 900.0
"""How long a step of the story may take: two minutes alone go by until a task of a killed worker is tried again."""
PATIENCE = 180.0
"""Seconds that a service may be away; the engine restarts it, which takes a busy machine a minute."""


def main() -> int:
    """Live the story through; gives the exit code."""
    parser = argparse.ArgumentParser(prog="docker/stack story", description=__doc__)
    parser.add_argument("--json", type=Path, help="write what happened into this file")
    args = parser.parse_args()
    world = StackWorld.of_environment(os.environ)
    try:
        Story(_client(os.environ), world, _say, patience=STEP_SECONDS).run()
    except (DemoTimeoutError, RestError, StoryError, UnhealthyError) as trouble:
        print(f"\nThe story could not go on: {trouble}", file=sys.stderr, flush=True)
        return 1
    told = outcome.read(world)
    if args.json:
        args.json.write_text(json.dumps(told, indent=1) + "\n")
    _say("\n".join(["", outcome.HEADING, *(outcome.line(week) for week in told["weeks"])]))
    _say(f"retrainings by drift: {len(told['retrainings'])}; {outcome.champion_line(world.database)}")
    return 0


def _client(environment: Mapping[str, str]) -> RestClient:
    url, password = environment["MLOPS_AIRFLOW_URL"], environment["MLOPS_AIRFLOW_PASSWORD"]
    return RestClient(url, "admin", password, retries=RETRIES, patience=PATIENCE)


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
