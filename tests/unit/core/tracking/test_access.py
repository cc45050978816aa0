"""What a connection may say, and what it must not."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.tracking import Access, connect, get_client
from airflow_mlops.core.tracking.clients import database_uri
from airflow_mlops.core.tracking.tags import task_filter, task_tags


@pytest.mark.parametrize("uri", ["", "mlruns", "./mlruns", "mlflow:5000", "http://", "ftp://host", "://x"])
def test_a_uri_that_would_end_in_a_local_folder_is_refused(uri: str) -> None:
    with pytest.raises(BadInput, match="no full tracking URI"):
        Access(uri)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"uri": "http://ann:canary-7@host"}, "contains a login"),
        ({"login": "ann", "password": "p", "token": "canary-7"}, "both a login and a token"),
        ({"login": "ann"}, "a login needs a password"),
        ({"read_seconds": 0}, "read_seconds is 0"),
        ({"overall_seconds": float("nan")}, "overall_seconds is nan"),
    ],
)
def test_contradicting_settings_are_refused_without_showing_secrets(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message) as raised:
        Access(**{"uri": "http://host", **settings})
    assert "canary-7" not in str(raised.value)


def test_no_secret_shows() -> None:
    shown = repr(Access("http://host", login="ann", password="canary-7")) + repr(
        Access("http://host", token="canary-7")
    )
    assert "canary-7" not in shown
    assert Access("postgresql://u:canary-7@host/db").address == "postgresql://u:***@host/db"


def test_a_tracking_uri_takes_its_access_along_but_no_copy_or_text_of_it_has_the_secret() -> None:
    access = Access("http://host:5/a", token="canary-7")
    uri = get_client(connect(access)).tracking_uri
    assert uri == "http://host:5/a"
    assert get_client(uri).access is access
    for copied in (pickle.loads(pickle.dumps(uri)), deepcopy(uri), json.loads(json.dumps({"u": uri}))["u"]):
        assert (copied, type(copied)) == (uri, str)
    assert b"canary-7" not in pickle.dumps(uri)


def test_a_database_gets_the_deadlines_that_its_url_does_not_say() -> None:
    plain = Access("postgresql://u:p@h/db", connect_seconds=3, overall_seconds=7)
    assert database_uri(plain) == "postgresql://u:p@h/db?connect_timeout=3&options=-c+statement_timeout%3D7000"
    own = "postgresql://u:p@h/db?connect_timeout=9&options=-c+x%3D1"
    assert database_uri(Access(own)) == own
    assert database_uri(Access("sqlite:////a/b.db")) == "sqlite:////a/b.db"


@pytest.mark.parametrize("key", ["d/run's/t/0", 'd/"r"/t/0', "d/`r`/t/-1", "d/ü\n%_/t/0", "k" * 1200])
def test_a_filter_has_no_character_of_the_key_that_could_end_it(key: str) -> None:
    assert task_tags(key)["mlops.key"] == key
    found = task_filter(key)
    assert task_tags(key)["mlops.key_id"] in found
    assert found.replace("tags.`mlops.key_id` = ", "").strip("'").isalnum()
    assert task_filter(key + "1") != found
