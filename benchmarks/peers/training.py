"""Training and evaluating through the operators and by hand, in turns, each time in a fork of this warm process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import hand_written, models
from benchmarks.forks import ForkError, StageTimes, import_all, run_forked, used_modules
from benchmarks.workspace import Workspace, execute_task

EXPERIMENT = MODEL = "bench"
OURS, PLAIN = "airflow-mlops", "plain"
WARMUP_ROUNDS = 1  # rounds that do not count
SLICED = ["c00", "c01"]
CONTRACT = {
    "name": "bench",
    "key": [models.KEY],
    "columns": {
        models.KEY: {"type": "int"},
        **{name: {"type": "float"} for name in models.NUMBERS if name != "i00"},
        "i00": {"type": "int"},
        **{name: {"type": "category"} for name in models.CATEGORIES},
        models.TARGET: {"type": "int", "role": "label"},
    },
}
MINIMAL_OPTIONS = {"importance": False, "cost": False, "train_sample": 0}
TRAINING_OPTIONS: dict[str, dict[str, Any]] = {
    "profile and contract": {"contract": CONTRACT},
    "input example": {"input_example": True},
}
EVALUATION_OPTIONS: dict[str, dict[str, Any]] = {
    "overfitting": {**MINIMAL_OPTIONS, "train_sample": hand_written.SAMPLE},
    "slices": {**MINIMAL_OPTIONS, "slices": SLICED},
    "importance": {**MINIMAL_OPTIONS, "importance": True},
    "cost": {**MINIMAL_OPTIONS, "cost": True},
    "all of these": {"slices": SLICED},
}
"""What can be switched on, and is off where the two are compared."""

Parts = Mapping[str, Any]


class Bench:
    """The work that is measured.

    :param estimator: ``boosted`` or ``linear``.
    :param parts: part -> ``SnapshotRef``.
    :param place: where the operators work.
    """

    def __init__(self, estimator: str, parts: Parts, place: Workspace) -> None:
        self.estimator, self.parts, self.place = estimator, parts, place
        self.champion = ""  # that of the plain script, as a URI

    def by_hand(self, _: str) -> dict[str, Any]:
        """Do it with scikit-learn and MLflow alone, on the same Parquet files, in one process."""
        given: dict[str, Any] = run_forked(self._by_hand)
        return given

    def by_operators(self, run: str) -> dict[str, Any]:
        """Do the same through the operators, each in a process of its own as Airflow does it.

        Registering comes in between and is not counted.
        """
        trained = run_forked(lambda: _spent("train", lambda: self._train(run)))
        version = run_forked(lambda: self._register(run, trained["given"]))
        judged = run_forked(lambda: _spent("evaluate", lambda: self._evaluate(run, version, MINIMAL_OPTIONS)))
        return {
            "seconds": {**trained["seconds"], **judged["seconds"]},
            "version": version,
            "found": judged["given"],
        }

    def beyond(self, run: str) -> dict[str, Any]:
        """Do what the operators offer beyond that, one thing at a time, and each without."""
        taken: dict[str, tuple[float, float]] = {}
        for name, more in (("train", {}), *TRAINING_OPTIONS.items()):
            work = partial(self._train, f"{run} {name}", **more)
            taken |= run_forked(partial(_spent, name, work))["seconds"]
        trained = run_forked(lambda: self._train(f"{run} train"))  # as a retry: that run is found again
        version = run_forked(lambda: self._register(run, trained))
        for name, how in (("evaluate", MINIMAL_OPTIONS), *EVALUATION_OPTIONS.items()):
            work = partial(self._evaluate, f"{run} {name}", version, how)
            taken |= run_forked(partial(_spent, name, work))["seconds"]
        above = {}
        for base, names in (("train", TRAINING_OPTIONS), ("evaluate", EVALUATION_OPTIONS)):
            above |= {f"{base}: {n}": tuple(a - b for a, b in zip(taken[n], taken[base], strict=True)) for n in names}
        return {"seconds": above}

    def modules(self) -> list[str]:
        """Name the modules that the work imports; registers and throws away what it makes."""
        run = "dry"
        trained = run_forked(lambda: self._train(run))
        version = run_forked(lambda: self._register(run, trained))
        return used_modules(
            [self._by_hand, lambda: self._train("dry train"), lambda: self._evaluate(run, version, MINIMAL_OPTIONS)]
        )

    def _by_hand(self) -> dict[str, Any]:
        spent = StageTimes()
        with spent.of("train"):
            uri, _ = hand_written.fit_and_log(
                getattr(models, self.estimator),
                self._read("train"),
                self._read("validation"),
                features=models.FEATURES,
                target=models.TARGET,
                experiment=EXPERIMENT,
                params={"train_rows": self.parts["train"]["rows"], "seed": 0},
            )
        with spent.of("evaluate"):
            rows = self._read("test")
            uris = {"challenger": uri, "champion": self.champion or uri}
            scores = hand_written.score_models(uris, rows, features=models.FEATURES)
            found = {role: hand_written.compute_metrics(rows[models.TARGET], of) for role, of in scores.items()}
        return {"seconds": spent.seconds, "uri": uri, "found": found["challenger"]["roc_auc"]}

    def _read(self, part: str) -> Any:
        import pandas as pd

        return pd.read_parquet(self.parts[part]["files"], columns=[*models.FEATURES, models.TARGET])

    def _ref(self, part: str) -> dict[str, Any]:
        return {name: value for name, value in self.parts[part].items() if name != "files"}

    def _train(self, run: str, **more: Any) -> dict[str, Any]:
        from airflow_mlops.operators.train import TrainModelOperator

        how = {"features": models.FEATURES, "input_example": False, **more}
        task = TrainModelOperator(
            task_id="train",
            build=f"benchmarks.models:{self.estimator}",
            train=self._ref("train"),
            validation=self._ref("validation"),
            target=models.TARGET,
            experiment=EXPERIMENT,
            seed=0,
            **how,
        )
        return execute_task(task, run)

    def _register(self, run: str, trained: Mapping[str, Any]) -> dict[str, Any]:
        from airflow_mlops.operators.register import RegisterModelOperator

        task = RegisterModelOperator(
            task_id="register",
            model=MODEL,
            run=trained,
            data={part: self._ref(part) for part in self.parts},
            features=models.FEATURES,
        )
        return execute_task(task, run)

    def _evaluate(self, run: str, version: Mapping[str, Any], how: Mapping[str, Any]) -> float:
        from airflow_mlops.operators.evaluate import EvaluateModelOperator
        from airflow_mlops.store import reports
        from airflow_mlops.store.database import Database

        task = EvaluateModelOperator(
            task_id="evaluate",
            challenger=version,
            test=self._ref("test"),
            target=models.TARGET,
            key=[models.KEY],
            features=models.FEATURES,
            **how,
        )
        given = execute_task(task, run)
        facts = reports.get(Database(self.place.store_url), given["id"]).facts
        return float(facts["roles"]["challenger"]["metrics"]["roc_auc"])


def _spent(name: str, work: Callable[[], Any]) -> dict[str, Any]:
    """Do work; return what it gave and what it took."""
    spent = StageTimes()
    with spent.of(name):
        given = work()
    return {"given": given, "seconds": spent.seconds}


def split(file: str, place: Workspace) -> Parts:
    """Take the rows in as a snapshot, and split it: 60, 15 and 25 %."""
    from airflow_mlops.hooks.store import LifecycleStoreHook
    from airflow_mlops.operators.ingest import IngestDatasetOperator
    from airflow_mlops.operators.split import SplitDatasetOperator

    whole = execute_task(IngestDatasetOperator(task_id="ingest", dataset="bench", partition="1", path=file), "first")
    parts = execute_task(SplitDatasetOperator(task_id="split", snapshot=whole, key=models.KEY), "first")
    root = LifecycleStoreHook().snapshots
    return {name: {**parts[name], "files": root.open(parts[name]).files} for name in ("train", "validation", "test")}


def main(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Warm up, then do the work in turns; return medians of what it took."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as temporary:
        place = Workspace(Path(temporary))
        os.chdir(temporary)
        place.use()
        from airflow_mlops import __version__, preload

        preload.warm()
        run_forked(lambda: place.prepare(EXPERIMENT))
        parts = run_forked(lambda: split(asked["file"], place))
        bench = Bench(asked["estimator"], parts, place)
        import_all(bench.modules())
        bench.champion = bench.by_hand("first")["uri"]
        version = bench.by_operators("first")["version"]
        run_forked(lambda: place.crown(MODEL, version["version"]))
        works = {PLAIN: bench.by_hand, OURS: bench.by_operators}
        taken, last = run_interleaved(works, asked["runs"])
        found = {name: medians(rounds) for name, rounds in taken.items()}
        for name in works:
            assert abs(last[name]["found"] - last[PLAIN]["found"]) < 1e-9, "they did not do the same"
        beyond = medians(run_interleaved({"beyond": bench.beyond}, max(1, asked["runs"] // 2))[0]["beyond"])
        return {"version": __version__, "medians": found, "beyond": beyond, "auc": last[OURS]["found"]}


def run_interleaved(
    works: Mapping[str, Callable[[str], Any]], runs: int
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Do each work so many times, and once more before that; each second round the other way round.

    :returns: name -> seconds of each round; name -> what the last one gave.
    """
    taken: dict[str, list[Any]] = {name: [] for name in works}
    last: dict[str, Any] = {}
    for number in range(runs + WARMUP_ROUNDS):
        for name in list(works) if number % 2 else reversed(works):
            print(f"{name}, round {number}", file=sys.stderr, flush=True)
            last[name] = works[name](f"{name} {number}")
            if number >= WARMUP_ROUNDS:
                taken[name].append(last[name]["seconds"])
    return taken, last


def medians(rounds: list[dict[str, tuple[float, float]]]) -> dict[str, dict[str, Any]]:
    """Return the medians of stretches, and of their sum where there are two."""
    rows = [{**of, "train and evaluate": _sum(of)} if set(of) == {"train", "evaluate"} else of for of in rounds]
    return {
        name: {
            "cpu_s": median(row[name][0] for row in rows),
            "wall_s": median(row[name][1] for row in rows),
            "runs": len(rows),
        }
        for name in rows[0]
    }


def _sum(of: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    return sum(cpu for cpu, _ in of.values()), sum(wall for _, wall in of.values())


if __name__ == "__main__":
    try:
        print(json.dumps(main(json.loads(sys.argv[1]))))
    except ForkError as broken:
        sys.exit(str(broken))
