from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

SERIAL = ["find", "ingest", "validate", "split", "select", "register", "evaluate", "gate"]


def test_first(run_dag: Callable[..., Any], lifecycle: Any) -> None:
    t=time.time()
    ran = run_dag("titanic")
    print("TOOK", time.time()-t, ran.tasks, ran.xcom("predict"), ran.xcom("find"))
    t=time.time()
    ran = run_dag("titanic")
    print("TOOK", time.time()-t, ran.tasks, ran.xcom("predict"), ran.xcom("find"))
    assert 0
