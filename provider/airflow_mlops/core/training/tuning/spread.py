"""One search over many workers: this machine's processors, a Dask cluster or a Ray cluster.

Only searches whose trials do not learn from each other are spread, and no trial knows where it runs: they are those of
one process, to the last digit if a fit can be repeated.

Dask and Ray are asked themselves, and not through joblib: its Dask backend waits for ever for a trial whose worker has
died, and its Ray backend gives no trial before the last is over, so that a killed search would lose them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from airflow_mlops.core.errors import BadInput

if TYPE_CHECKING:
    from airflow_mlops.core.training.tuning.settings import Tuning
    from airflow_mlops.core.training.tuning.trials import Trial

Run = Callable[[int], "Trial"]
SECONDS = 60
"""How long a cluster may take to answer."""


class Workers(Protocol):
    """What runs trials side by side."""

    size: int
    """How many at a time."""

    def begin(self, number: int) -> None:
        """Send a trial."""

    def next_over(self) -> Trial:
        """Wait for any of those that were sent, and give it."""


def spread(tuning: Tuning, numbers: Iterable[int], run: Run) -> Iterator[Trial]:
    """Run trials side by side; each is given when it is over, in whatever order they end.

    :param tuning: names the backend, its address and the number of jobs.
    :param numbers: of the trials; the next is taken when there is room for it.
    :param run: runs a trial. It travels to the workers with the rows that it needs, once to each.
    :raises BadInput: when the backend's package is missing.
    :raises ConnectionError: when its cluster does not answer.
    """
    with _workers(tuning, run) as workers:
        under_way = 0
        for number in numbers:
            workers.begin(number)
            under_way += 1
            if under_way == workers.size:
                yield workers.next_over()
                under_way -= 1
        for _ in range(under_way):
            yield workers.next_over()


@contextmanager
def _workers(tuning: Tuning, run: Run) -> Iterator[Workers]:
    try:
        with {"processes": _processes, "dask": _dask, "ray": _ray}[str(tuning.backend)](tuning, run) as workers:
            yield workers
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("distributed", "dask", "ray"):
            raise
        raise BadInput(
            f"backend={tuning.backend!r} needs a package that is not installed here: {error.name}",
            mend=f"pip install 'airflow-provider-mlops[{tuning.backend}]'",
        ) from None


@contextmanager
def _processes(tuning: Tuning, run: Run) -> Iterator[Workers]:
    """Start processes on this machine; joblib's, which take also what was defined in a DAG file."""
    from joblib import cpu_count
    from joblib.externals.loky import ProcessPoolExecutor

    size = tuning.jobs or cpu_count()
    executor = ProcessPoolExecutor(max_workers=size, initializer=_hold, initargs=(run,))
    try:
        yield _Processes(executor, size)
    finally:
        executor.shutdown(kill_workers=True)


class _Processes:
    """Processes of this machine."""

    def __init__(self, executor: Any, size: int) -> None:
        self.executor, self.size = executor, size
        self.sent: set[Any] = set()

    def begin(self, number: int) -> None:
        self.sent.add(self.executor.submit(_call_held, number))

    def next_over(self) -> Trial:
        from concurrent.futures import FIRST_COMPLETED, wait

        over = wait(self.sent, return_when=FIRST_COMPLETED).done.pop()
        self.sent.discard(over)
        trial: Trial = over.result()
        return trial


_HELD: list[Run] = []


def _hold(run: Run) -> None:
    """Keep in a worker what it will be asked to do: the rows come once, and not with each trial."""
    _HELD[:] = [run]


def _call_held(number: int) -> Trial:
    return _HELD[0](number)


def _call(run: Run, number: int) -> Trial:
    return run(number)


@contextmanager
def _dask(tuning: Tuning, run: Run) -> Iterator[Workers]:
    """Connect to a cluster of Dask's, or start one of processes on this machine, which ends with the search."""
    dask = import_module("distributed")
    if tuning.address is None:
        settings = {"n_workers": tuning.jobs, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
        with dask.LocalCluster(**settings) as own, dask.Client(own) as client:
            yield _Dask(dask, client, run, tuning.jobs)
        return
    try:
        client = dask.Client(tuning.address, timeout=SECONDS)
        client.wait_for_workers(1, timeout=SECONDS)
    except OSError as error:  # TimeoutError is one
        raise ConnectionError(f"no Dask scheduler with a worker answers at {tuning.address}") from error
    with client:
        yield _Dask(dask, client, run, tuning.jobs)


class _Dask:
    """The workers of a Dask cluster."""

    def __init__(self, dask: Any, client: Any, run: Run, jobs: int | None) -> None:
        self.client, self.run = client, client.scatter(run, broadcast=True, hash=False)
        self.over = dask.as_completed()
        self.size = jobs or sum(client.nthreads().values())

    def begin(self, number: int) -> None:
        self.over.add(self.client.submit(_call, self.run, number, pure=False))

    def next_over(self) -> Trial:
        trial: Trial = next(self.over).result()
        return trial


@contextmanager
def _ray(tuning: Tuning, run: Run) -> Iterator[Workers]:
    """Connect to a cluster of Ray's, or start one on this machine; what is begun here ends here."""
    if (
        tuning.address is None
    ):  # a cluster of our own: it reports its use to nobody, and a busy machine is slow to start
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # read when it is imported
    ray = import_module("ray")
    begun, own = not ray.is_initialized(), tuning.address is None
    if begun:
        settings = {"num_cpus": tuning.jobs, "include_dashboard": False} if own else {}
        ray.init(address=tuning.address or "local", log_to_driver=False, logging_level="warning", **settings)
    try:
        yield _Ray(ray, run, tuning.jobs)
    finally:
        if begun:
            ray.shutdown()


class _Ray:
    """The workers of a Ray cluster."""

    def __init__(self, ray: Any, run: Run, jobs: int | None) -> None:
        self.ray, self.run, self.call = ray, ray.put(run), ray.remote(_call)
        self.sent: list[Any] = []
        self.size = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def begin(self, number: int) -> None:
        self.sent.append(self.call.remote(self.run, number))

    def next_over(self) -> Trial:
        [over], self.sent = self.ray.wait(self.sent, num_returns=1)
        try:
            trial: Trial = self.ray.get(over)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None  # in its own words
        return trial
