"""Reports are served to whom Airflow knows and lets, and to nobody else; nothing in them can run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports.documents import DocumentSection, PairsBlock, ReportDocument, document_facts
from airflow_mlops.plugin.reports import PREFIX, LazyApplication, ReportsPlugin
from airflow_mlops.store import reports
from airflow_mlops.store.database import Database

CSP = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def airflow() -> Iterator[FastAPI]:
    """Airflow's own authentication, on a database of its own, with the plugin mounted as Airflow mounts it."""
    from airflow import settings
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
    from airflow.api_fastapi.core_api.app import init_middlewares
    from airflow.models import import_all_models
    from airflow.models.base import Base

    settings.initialize()
    import_all_models()
    Base.metadata.create_all(settings.engine)
    root = FastAPI()
    for app in ReportsPlugin.fastapi_apps:
        root.mount(app["url_prefix"], app["app"])
    init_auth_manager(root)
    init_middlewares(root)
    yield root
    purge_cached_app()


@pytest.fixture
def report(database: Database, monkeypatch: pytest.MonkeyPatch) -> Report:
    """A published report, of a store that Airflow's connection names."""
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", connection(database))
    made = Report.from_checks("validation", f"churn {EVIL}", [Check("min", "fail", message=EVIL)])
    reports.publish(database, made, actor="churn/run 1/validate/-1")
    return made


def connection(database: Database) -> str:
    from airflow_mlops.hooks.store import connection_dict

    return json.dumps(connection_dict(database.url.render_as_string(hide_password=False), "file:///nowhere"))


def token(role: str | None) -> str:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="ann", role=role))


@pytest.fixture
def client(airflow: FastAPI) -> Iterator[TestClient]:
    """A client that has not logged in."""
    with TestClient(airflow, follow_redirects=False, raise_server_exceptions=False) as nobody:
        yield nobody


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser that has logged in to Airflow's interface: it sends the cookie of that."""
    client.cookies.set("_token", token("viewer"))
    client.headers["accept"] = "text/html,application/xhtml+xml"
    return client


def path(report: Report | str, ending: str = "") -> str:
    return f"{PREFIX}/reports/{getattr(report, 'id', report)}{ending}"


@pytest.mark.parametrize("ending", ["", ".json"])
def test_nobody_gets_nothing(ending: str, client: TestClient, report: Report) -> None:
    answer = client.get(path(report, ending))
    assert answer.status_code == 401
    assert "churn" not in answer.text
    client.cookies.set("_token", token("viewer")[:-4] + "abcd")
    assert client.get(path(report, ending)).status_code in (401, 403)
    answer = client.get(path(report, ending), headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code in (401, 403)


def test_nobody_learns_which_reports_there_are(client: TestClient, report: Report) -> None:
    assert client.get(path("none")).status_code == client.get(path(report)).status_code == 401


def test_every_route_asks_who_is_there() -> None:
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi.routing import APIRoute

    application: Any = LazyApplication().application
    assert len(application.routes) == 4
    for route in application.routes:
        assert isinstance(route, APIRoute)
        assert get_user in [dependency.call for dependency in route.dependant.dependencies]


def test_a_browser_is_sent_to_log_in_and_comes_back(client: TestClient, report: Report) -> None:
    answer = client.get(path(report), headers={"accept": "text/html"})
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/api/v2/auth/login?next=%2Fmlops%2Freports%2F{report.id}"


def test_the_cookie_of_airflow_s_own_interface_opens_the_page(browser: TestClient, report: Report) -> None:
    answer = browser.get(path(report))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Contract violated" in answer.text
    assert "<script" not in answer.text


def test_a_token_opens_the_json_as_it_was_kept(client: TestClient, report: Report) -> None:
    answer = client.get(path(report, ".json"), headers={"Authorization": f"Bearer {token('viewer')}"})
    assert answer.status_code == 200
    assert answer.json() == report.to_dict()


@pytest.fixture
def card(database: Database, report: Report) -> Report:
    """A model card that a task of the same DAG has made."""
    pairs, section = PairsBlock.of([("model", EVIL)]), DocumentSection.missing_section(EVIL, EVIL)
    document = ReportDocument("Model card", EVIL, EVIL, EVIL, "pass", EVIL, pairs, "", EVIL, (section,))
    made = Report.from_checks("model_card", "m v1", [Check("Data", "pass")], facts=document_facts(document))
    reports.publish(database, made, actor="churn/run 1/card/-1")
    return made


@pytest.mark.parametrize("page", ["cards/{}", "reports/{}"])
def test_a_model_card_opens_as_a_page_from_both_of_its_addresses(page: str, browser: TestClient, card: Report) -> None:
    answer = browser.get(f"{PREFIX}/{page.format(card.id)}")
    assert answer.status_code == 200
    assert "<b>Model card</b>" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["content-security-policy"] == CSP


def test_a_model_card_is_given_as_markdown_too(browser: TestClient, card: Report) -> None:
    answer = browser.get(f"{PREFIX}/cards/{card.id}.md")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# Model card: ")
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("ending", ["", ".md"])
def test_nobody_gets_no_card_and_who_may_not_see_the_dag_gets_none(
    ending: str, client: TestClient, card: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    where = f"{PREFIX}/cards/{card.id}{ending}"
    assert client.get(where).status_code == 401
    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", lambda **_: False)
    answer = client.get(where, headers={"Authorization": f"Bearer {token('viewer')}"})
    assert answer.status_code == 403
    assert "alert" not in answer.text


def test_a_report_that_is_no_card_has_no_card_s_page(browser: TestClient, report: Report) -> None:
    answer = browser.get(f"{PREFIX}/cards/{report.id}")
    assert answer.status_code == 404
    assert "The report has no document; its kind is validation." in answer.text


@pytest.mark.parametrize("where", ["", ".json", "none", "not/a/route"])
def test_every_answer_is_guarded(where: str, browser: TestClient, report: Report) -> None:
    answer = browser.get(path(report, where) if where in ("", ".json") else path(where))
    assert answer.headers["content-security-policy"] == CSP
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private"


def test_who_may_not_see_the_dag_may_not_see_its_reports(
    browser: TestClient, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    requested = []

    def only_others(*, method: str, details: Any, user: Any, access_entity: Any = None) -> bool:
        requested.append((method, details.id, user.get_name()))
        return bool(details.id != "churn")

    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", only_others)
    answer = browser.get(path(report))
    assert answer.status_code == 403
    assert "Access denied" in answer.text
    assert "contract" not in answer.text
    assert browser.get(path(report) + "?dag_id=other").status_code == 403
    assert requested[0] == ("GET", "churn", "ann")


def test_a_person_s_report_is_for_who_may_see_the_interface(
    browser: TestClient, report: Report, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    own = Report.from_checks("drift", "by hand", [Check("drift", "pass", where="x")])
    reports.publish(database, own, actor="ann")
    assert browser.get(path(own)).status_code == 200
    monkeypatch.setattr(get_auth_manager(), "is_authorized_view", lambda **_: False)
    assert browser.get(path(own)).status_code == 403


def test_a_report_that_is_not_there_is_said_in_words(browser: TestClient, report: Report) -> None:
    answer = browser.get(path("<b>none"))
    assert answer.status_code == 404
    assert "<h1>Report not found</h1>" in answer.text
    assert browser.get(path("none", ".json")).json()["detail"].startswith("there is no report none")


def test_a_store_that_cannot_be_used_is_said_without_its_address(
    browser: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MLOPS_STORE_DEFAULT", connection(Database(f"sqlite:///{tmp_path}/bare.db")))
    answer = browser.get(path("any"))
    assert answer.status_code == 503
    assert "Lifecycle store unavailable" in answer.text
    assert str(tmp_path) not in answer.text


def test_loading_the_plugin_imports_no_web_framework_and_no_heavy_library(tmp_path: Path) -> None:
    code = """
import json, sys
import airflow.plugins_manager
before = set(sys.modules)
import airflow_mlops.plugin.reports, airflow_mlops.links.report
new = {m.partition(".")[0] for m in set(sys.modules) - before}
print(json.dumps(sorted(new - {"airflow_mlops"} - set(sys.stdlib_module_names))))
"""
    environment = {"PATH": "/usr/bin:/bin", "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout.splitlines()[-1])) <= {"airflow"}
