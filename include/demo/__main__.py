"""``make demo``: the closed loop in a real Airflow on this machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from include.churn.backtest import backtest
from include.demo import outcome
from include.demo.airflow import AirflowStack, StackError
from include.demo.api import RestError
from include.demo.postgres import EmbeddedPostgres, EmbeddedPostgresError, EmbeddedPostgresMissingError
from include.demo.signals import interrupted_by_signals
from include.demo.story import Story, StoryError
from include.demo.waiting import DemoTimeoutError, UnhealthyError
from include.demo.world import World

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / "build"
TROUBLE = (
    DemoTimeoutError,
    EmbeddedPostgresError,
    EmbeddedPostgresMissingError,
    RestError,
    StackError,
    StoryError,
    UnhealthyError,
)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make demo ARGS='…'", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="stop everything when the story has been told")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="go on with the last demo")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another world (default: %(default)s)")
    parser.add_argument("--size", type=int, default=3000, help="about so many customers (default: %(default)s)")
    parser.add_argument("--no-change", action="store_true", help="the world stays as it is: nothing should happen")
    parser.add_argument("--port", type=int, default=8080, help="preferred port of the web interface")
    parser.add_argument(
        "--database",
        choices=("embedded", "sqlite"),
        default="embedded",
        help="PostgreSQL from a wheel, or SQLite, under which Airflow can stall (default: %(default)s)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the demo; gives the exit code."""
    args = arguments(argv)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # its news of migrations are not the story
    try:
        with interrupted_by_signals():
            _demo(args)
    except KeyboardInterrupt:
        print("\nStopped: nothing is left running.", flush=True)
        return 130
    except TROUBLE as trouble:
        print(f"\nThe demo could not go on: {trouble}", file=sys.stderr, flush=True)
        return 1
    return 0


def _demo(args: argparse.Namespace) -> None:
    fresh, clock, say = not args.go_on, Clock(), _say
    with _databases(args.database, fresh) as url_of:
        world = World(BUILD / "demo", store_url=url_of("mlops"), tracking_uri=url_of("mlflow"))
        with clock("start"):
            say("Preparing the business, the lifecycle store and MLflow")
            world.prepare(seed=args.seed, size=args.size, change=not args.no_change, fresh=fresh)
            stack = AirflowStack(
                BUILD / "airflow", REPO, world.connections(), url_of("airflow"), port=args.port, fresh=fresh
            )
            stack.start(say)
        with stack_stopped(stack):
            with clock("loop"):
                Story(stack.client(), world, say).run()
                say("")
                say("Judging every version on every labelled week")
                backtest(world.database, world.snapshots, world.tracking_uri)
            told = outcome.read(world) | {"seconds": clock.seconds}
            (BUILD / "demo.json").write_text(json.dumps(told, indent=1) + "\n")
            _report(told, stack, world, clock)
            if not args.exit:
                say("\nAirflow goes on running. Ctrl-C stops everything.")
                _until_interrupted(stack)


class Clock:
    """Seconds of each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"install": float(os.environ.get("MLOPS_INSTALL_SECONDS", 0))}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Measure a part."""
        began = time.monotonic()
        yield
        self.seconds[part] = round(time.monotonic() - began, 1)


@contextmanager
def stack_stopped(stack: AirflowStack) -> Iterator[None]:
    """Stop Airflow at the end, whatever happens."""
    try:
        yield
    finally:
        _say("Stopping Airflow")
        stack.stop()


@contextmanager
def _databases(kind: str, fresh: bool) -> Iterator[Callable[[str], str]]:
    """Give a function from a database's name to its URL."""
    if kind == "sqlite":
        folder = BUILD / "sqlite"
        if fresh:
            for file in folder.glob("*.db*"):
                file.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        with nullcontext():
            yield lambda name: f"sqlite:///{folder / name}.db"
        return
    with EmbeddedPostgres(BUILD / "postgres", fresh=fresh) as postgres:
        yield postgres.database


def _report(told: dict[str, Any], stack: AirflowStack, world: World, clock: Clock) -> None:
    lines = ["", outcome.HEADING, *(outcome.line(week) for week in told["weeks"]), ""]
    for champion in told["champions"]:
        gain = champion["gain"]
        proof = f", gain {gain['value']:+.3f} (sure of {gain['low']:+.3f})" if gain else ""
        lines.append(
            f"v{champion['version']} champion from {champion['partition']}: {champion['gate']}, "
            f"{champion['metric']} {champion['value']:.3f}{proof}"
        )
    seconds = ", ".join(f"{part} {value:.0f} s" for part, value in clock.seconds.items())
    mlflow = Path(sys.executable).parent / "mlflow"
    lines += [
        f"retrainings by drift: {len(told['retrainings'])}",
        f"time: {seconds}",
        "",
        f"Airflow:  {stack.url}   user {stack.username}   password {stack.password}",
        f"          {stack.url}/dags/churn_training   the training runs and their gate",
        f"MLflow:   {mlflow} ui --backend-store-uri '{world.tracking_uri}' --port 5000",
        f"Story:    {BUILD / 'demo.json'}",
    ]
    _say("\n".join(lines))


def _until_interrupted(stack: AirflowStack) -> None:
    while True:
        stack.check()
        time.sleep(2)


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
