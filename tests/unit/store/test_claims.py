"""A claim: one thing of a kind for a task, and what an earlier attempt left of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from airflow_mlops.store import claims
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Baseline


def test_the_first_has_it_and_the_others_learn_what_it_left(each_database: Database) -> None:
    assert claims.begin(each_database, "run", "k") is None
    assert claims.begin(each_database, "run", "k") == {"finished": False}
    claims.record(each_database, "run", "k", {"a": 1}, finished=False)
    assert claims.begin(each_database, "run", "k") == {"a": 1, "finished": False}
    claims.record(each_database, "run", "k", {"a": 2}, finished=True)
    assert claims.begin(each_database, "run", "k") == {"a": 2, "finished": True}


def test_another_kind_or_key_is_another_claim(each_database: Database) -> None:
    for kind, key in (("run", "k"), ("version", "k"), ("run", "k2"), ("run", "K"), ("run", "k" * 1200)):
        assert claims.begin(each_database, kind, key) is None


def test_of_many_at_once_exactly_one_is_the_first(each_database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: claims.begin(each_database, "run", "k") is None, range(24)))
    assert firsts.count(True) == 1


def test_only_the_last_holder_can_finish(each_database: Database) -> None:
    claims.begin(each_database, "run", "k")
    claims.record(each_database, "run", "k", {"run_id": "zombie"}, finished=False)
    claims.record(each_database, "run", "k", {"run_id": "retry"}, finished=False)
    assert claims.finish(each_database, "run", "k", {"run_id": "zombie", "x": 1}, holder="zombie") is False
    assert claims.begin(each_database, "run", "k") == {"run_id": "retry", "finished": False}
    assert claims.finish(each_database, "run", "k", {"run_id": "retry", "x": 2}, holder="retry") is True
    assert claims.begin(each_database, "run", "k") == {"run_id": "retry", "x": 2, "finished": True}


def test_looking_claims_nothing(each_database: Database) -> None:
    assert claims.get(each_database, "run", "k") is None
    assert claims.begin(each_database, "run", "k") is None
    claims.record(each_database, "run", "k", {"a": 1}, finished=True)
    assert claims.get(each_database, "run", "k") == {"a": 1, "finished": True}


def test_a_claim_is_concluded_together_with_its_row(each_database: Database) -> None:
    row = lambda number: Baseline(model="m", version=number, kind="scores", body={}, recorded_at=now())  # noqa: E731
    with pytest.raises(NoResultFound):  # nobody claimed it
        claims.finish_with_row(each_database, "version", "k", {"v": 1}, row=row(1))
    claims.begin(each_database, "version", "k")
    claims.finish_with_row(each_database, "version", "k", {"v": 2}, row=row(2))
    assert claims.get(each_database, "version", "k") == {"v": 2, "finished": True}
    with each_database.session() as session:
        assert [b.version for b in session.scalars(select(Baseline))] == [2]
