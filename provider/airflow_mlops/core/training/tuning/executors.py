"""Parallel execution of trials: on local processes, a Dask cluster or a Ray cluster.

Only searches whose trials do not learn from each other run in parallel. Results do not depend on where a trial runs,
as far as the fit itself is reproducible.

Dask and Ray are used directly, not through joblib. Its Dask backend waits for ever for a trial whose worker has died.
Its Ray backend returns no trial before the last has ended, so a killed search would lose all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.common.errors import BadInput

if TYPE_CHECKING:
    from airflow_mlops.core.training.tuning.settings import Tuning
    from airflow_mlops.core.training.tuning.trials import Trial

TrialFunction = Callable[[int], "Trial"]
CONNECT_TIMEOUT = 60
"""Seconds to wait for a cluster."""


class TrialExecutor(Protocol):
    """Runs trials in parallel."""

    size: int
    """The number of parallel trials."""

    def submit(self, number: int) -> None:
        """Start a trial."""

    def wait_any(self) -> Trial:
        """Wait for any running trial to end, and return it."""


def run_parallel(tuning: Tuning, numbers: Iterable[int], run: TrialFunction) -> Iterator[Trial]:
    """Run trials in parallel, and yield each when it ends, in order of completion.

    :param tuning: sets the backend, its address and the number of jobs.
    :param numbers: the numbers of the trials, consumed as workers become free.
    :param run: runs a trial. It is sent once to each worker, together with its rows.
    :raises BadInput: when the backend's package is missing.
    :raises ConnectionError: when the cluster does not respond.
    """
    with _open_executor(tuning, run) as executor:
        running = 0
        for number in numbers:
            executor.submit(number)
            running += 1
            if running == executor.size:
                yield executor.wait_any()
                running -= 1
        for _ in range(running):
            yield executor.wait_any()


@contextmanager
def _open_executor(tuning: Tuning, run: TrialFunction) -> Iterator[TrialExecutor]:
    try:
        with {"processes": _open_processes, "dask": _open_dask, "ray": _open_ray}[str(tuning.backend)](
            tuning, run
        ) as executor:
            yield executor
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("distributed", "dask", "ray"):
            raise
        raise BadInput(
            f"backend={tuning.backend!r} needs a package that is not installed: {error.name}",
            hint=f"pip install 'airflow-provider-mlops[{tuning.backend}]'",
        ) from None


@contextmanager
def _open_processes(tuning: Tuning, run: TrialFunction) -> Iterator[TrialExecutor]:
    """Start local processes; joblib's, which can also run functions defined in a DAG file."""
    from joblib import cpu_count
    from joblib.externals.loky import ProcessPoolExecutor

    size = tuning.jobs or cpu_count()
    executor = ProcessPoolExecutor(max_workers=size, initializer=_initialize_worker, initargs=(run,))
    try:
        yield _ProcessExecutor(executor, size)
    finally:
        executor.shutdown(kill_workers=True)


class _ProcessExecutor:
    """Runs trials in local processes."""

    def __init__(self, executor: Any, size: int) -> None:
        self.executor, self.size = executor, size
        self.futures: set[Any] = set()

    def submit(self, number: int) -> None:
        self.futures.add(self.executor.submit(_run_in_worker, number))

    def wait_any(self) -> Trial:
        from concurrent.futures import FIRST_COMPLETED, wait

        done = wait(self.futures, return_when=FIRST_COMPLETED).done.pop()
        self.futures.discard(done)
        trial: Trial = done.result()
        return trial


_WORKER_RUN: list[TrialFunction] = []


def _initialize_worker(run: TrialFunction) -> None:
    """Store the function in a worker, so that its rows are sent once and not with each trial."""
    _WORKER_RUN[:] = [run]


def _run_in_worker(number: int) -> Trial:
    return _WORKER_RUN[0](number)


def _run_remote(run: TrialFunction, number: int) -> Trial:
    return run(number)


@contextmanager
def _open_dask(tuning: Tuning, run: TrialFunction) -> Iterator[TrialExecutor]:
    """Connect to a Dask cluster, or start a local one that ends with the search."""
    dask = import_module("distributed")
    if tuning.address is None:
        settings = {"n_workers": tuning.jobs, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
        with dask.LocalCluster(**settings) as cluster, dask.Client(cluster) as client:
            yield _DaskExecutor(dask, client, run, tuning.jobs)
        return
    try:
        client = dask.Client(tuning.address, timeout=CONNECT_TIMEOUT)
        client.wait_for_workers(1, timeout=CONNECT_TIMEOUT)
    except OSError as error:  # TimeoutError is one
        raise ConnectionError(f"no Dask scheduler with a worker responds at {tuning.address}") from error
    with client:
        yield _DaskExecutor(dask, client, run, tuning.jobs)


class _DaskExecutor:
    """Runs trials on a Dask cluster."""

    def __init__(self, dask: Any, client: Any, run: TrialFunction, jobs: int | None) -> None:
        self.client, self.run = client, client.scatter(run, broadcast=True, hash=False)
        self.done = dask.as_completed()
        self.size = jobs or sum(client.nthreads().values())

    def submit(self, number: int) -> None:
        self.done.add(self.client.submit(_run_remote, self.run, number, pure=False))

    def wait_any(self) -> Trial:
        trial: Trial = next(self.done).result()
        return trial


@contextmanager
def _open_ray(tuning: Tuning, run: TrialFunction) -> Iterator[TrialExecutor]:
    """Connect to a Ray cluster, or start a local one that ends with the search."""
    if tuning.address is None:  # a local cluster: no usage statistics, and a long timeout for busy machines
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # read when ray is imported
    ray = import_module("ray")
    started, is_local = not ray.is_initialized(), tuning.address is None
    if started:
        settings = {"num_cpus": tuning.jobs, "include_dashboard": False} if is_local else {}
        ray.init(address=tuning.address or "local", log_to_driver=False, logging_level="warning", **settings)
    try:
        yield _RayExecutor(ray, run, tuning.jobs)
    finally:
        if started:
            ray.shutdown()


class _RayExecutor:
    """Runs trials on a Ray cluster."""

    def __init__(self, ray: Any, run: TrialFunction, jobs: int | None) -> None:
        self.ray, self.run, self.call = ray, ray.put(run), ray.remote(_run_remote)
        self.futures: list[Any] = []
        self.size = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def submit(self, number: int) -> None:
        self.futures.append(self.call.remote(self.run, number))

    def wait_any(self) -> Trial:
        [done], self.futures = self.ray.wait(self.futures, num_returns=1)
        try:
            trial: Trial = self.ray.get(done)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None
        return trial
