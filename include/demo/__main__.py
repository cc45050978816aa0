"""``make demo``: run the closed loop in a local Airflow."""

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
from include.demo.scenario import DemoScenario, ScenarioError
from include.demo.services import DemoServices
from include.demo.signals import interrupted_by_signals
from include.demo.waiting import DemoTimeoutError, UnhealthyError

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / "build"
DEMO_ERRORS = (
    DemoTimeoutError,
    EmbeddedPostgresError,
    EmbeddedPostgresMissingError,
    RestError,
    StackError,
    ScenarioError,
    UnhealthyError,
)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make demo ARGS='…'", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="stop everything at the end")
    parser.add_argument("--continue", dest="resume", action="store_true", help="resume the last demo")
    parser.add_argument("--seed", type=int, default=7, help="seed of the simulated data (default: %(default)s)")
    parser.add_argument("--size", type=int, default=3000, help="approximate number of customers (default: %(default)s)")
    parser.add_argument("--no-change", action="store_true", help="simulate no change; expect no retraining")
    parser.add_argument("--port", type=int, default=8080, help="preferred port of the web interface")
    parser.add_argument(
        "--database",
        choices=("embedded", "sqlite"),
        default="embedded",
        help="PostgreSQL from a wheel, or SQLite, under which Airflow can stall (default: %(default)s)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the demo and return the exit code."""
    args = arguments(argv)
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # its migration messages would clutter the output
    try:
        with interrupted_by_signals():
            _demo(args)
    except KeyboardInterrupt:
        print("\nStopped. No process is left running.", flush=True)
        return 130
    except DEMO_ERRORS as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _demo(args: argparse.Namespace) -> None:
    fresh, clock = not args.resume, Clock()
    with _databases(args.database, fresh) as url_of:
        services = DemoServices(BUILD / "demo", store_url=url_of("mlops"), tracking_uri=url_of("mlflow"))
        with clock("start"):
            _print("Preparing the business database, the lifecycle store and MLflow")
            services.prepare(seed=args.seed, size=args.size, change=not args.no_change, fresh=fresh)
            stack = AirflowStack(
                BUILD / "airflow", REPO, services.connections(), url_of("airflow"), port=args.port, fresh=fresh
            )
            stack.start(_print)
        with stack_stopped(stack):
            with clock("loop"):
                DemoScenario(stack.client(), services, _print).run()
                _print("")
                _print("Evaluating every version on every labelled week")
                backtest(services.database, services.snapshots, services.tracking_uri)
            summary = outcome.read_summary(services) | {"seconds": clock.seconds}
            (BUILD / "demo.json").write_text(json.dumps(summary, indent=1) + "\n")
            _report(summary, stack, services, clock)
            if not args.exit:
                _print("\nAirflow is still running. Press Ctrl-C to stop everything.")
                _until_interrupted(stack)


class Clock:
    """Measure the duration of each phase, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"install": float(os.environ.get("MLOPS_INSTALL_SECONDS", 0))}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Measure a phase."""
        began = time.monotonic()
        yield
        self.seconds[part] = round(time.monotonic() - began, 1)


@contextmanager
def stack_stopped(stack: AirflowStack) -> Iterator[None]:
    """Stop Airflow on exit, also after an error."""
    try:
        yield
    finally:
        _print("Stopping Airflow")
        stack.stop()


@contextmanager
def _databases(kind: str, fresh: bool) -> Iterator[Callable[[str], str]]:
    """Yield a function that maps a database name to its URL."""
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


def _report(summary: dict[str, Any], stack: AirflowStack, services: DemoServices, clock: Clock) -> None:
    lines = ["", outcome.HEADING, *(outcome.format_week(week) for week in summary["weeks"]), ""]
    for champion in summary["champions"]:
        gain = champion["gain"]
        proof = f", gain {gain['value']:+.3f} (lower bound {gain['low']:+.3f})" if gain else ""
        lines.append(
            f"v{champion['version']} champion from {champion['partition']}: {champion['gate']}, "
            f"{champion['metric']} {champion['value']:.3f}{proof}"
        )
    seconds = ", ".join(f"{part} {value:.0f} s" for part, value in clock.seconds.items())
    mlflow = Path(sys.executable).parent / "mlflow"
    lines += [
        f"retrainings triggered by drift: {len(summary['retrainings'])}",
        f"time: {seconds}",
        "",
        f"Airflow:  {stack.url}   user {stack.username}   password {stack.password}",
        f"          {stack.url}/dags/churn_training   training runs and gate decisions",
        f"MLflow:   {mlflow} ui --backend-store-uri '{services.tracking_uri}' --port 5000",
        f"Summary:  {BUILD / 'demo.json'}",
    ]
    _print("\n".join(lines))


def _until_interrupted(stack: AirflowStack) -> None:
    while True:
        stack.check()
        time.sleep(2)


def _print(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
