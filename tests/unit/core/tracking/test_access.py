"""What a connection may say, and what it must not."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy
from typing import Any

import pytest

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.tracking import Access, client_of, connect
from airflow_mlops.core.tracking.connecting import database_uri
from airflow_mlops.core.tracking.marks import made_for, marks


@pytest.mark.parametrize("uri", ["", "mlruns", "./mlruns", "mlflow:5000", "http://", "ftp://host", "://x"])
def test_a_uri_that_would_end_in_a_local_folder_is_refused(uri: str) -> None:
    with pytest.raises(BadInput, match="no full tracking URI"):
        Access(uri)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"uri": "http://ann:canary-7@host"}, "has a login in it"),
        ({"login": "ann", "password": "p", "token": "canary-7"}, "both a login and a token"),
        ({"login": "ann"}, "a login needs a password"),
        ({"read_seconds": 0}, "read_seconds is 0"),
        ({"overall_seconds": float("nan")}, "overall_seconds is nan"),
    ],
)
def test_what_contradicts_itself_is_refused_without_saying_secrets(how: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as raised:
        Access(**{"uri": "http://host", **how})
    assert "canary-7" not in str(raised.value)


def test_no_secret_shows() -> None:
    shown = repr(Access("http://host", login="ann", password="canary-7")) + repr(
        Access("http://host", token="canary-7")
    )
    assert "canary-7" not in shown
    assert Access("postgresql://u:canary-7@host/db").address == "postgresql://u:***@host/db"


def test_a_tracking_uri_takes_its_access_along_but_no_copy_or_text_of_it_has_the_secret() -> None:
    access = Access("http://host:5/a", token="canary-7")
    uri = client_of(connect(access)).tracking_uri
    assert uri == "http://host:5/a"
    assert client_of(uri).access is access
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
    assert marks(key)["mlops.key"] == key
    found = made_for(key)
    assert marks(key)["mlops.key_id"] in found
    assert found.replace("tags.`mlops.key_id` = ", "").strip("'").isalnum()
    assert made_for(key + "1") != found
