"""The breaking machine sees what it is there for: with any of three guards taken away, invariants are broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.guards import CASES
from tests.crash.schedule import Case
from tests.crash.write_points import Fault

pytestmark = pytest.mark.system
REPO = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the machine says of each guard; it forks, so it is a process of its own."""
    figures = tmp_path_factory.mktemp("crash") / "guards.json"
    subprocess.run(
        [sys.executable, "-m", "tests.crash", "--guards", "--output", str(figures)], cwd=REPO, check=False, timeout=1200
    )
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


@pytest.mark.parametrize(("guard", "promise"), [("claim", "I1"), ("fence", "I9"), ("compare-and-set", "I3")])
def test_a_guard_that_is_taken_away_is_missed(seen: dict[str, Any], guard: str, promise: str) -> None:
    assert promise in seen["guards"][guard]["without"]
    assert seen["guards"][guard]["with"] == [], "the same cases are fine with it"


@pytest.mark.parametrize(
    "text", ["train:12,-3+register", "promote:4stop,2+score", "score:-7full", "gate", "race:1stop"]
)
def test_a_case_can_be_repeated_from_its_words(text: str) -> None:
    assert str(Case.read(text)) == text
    assert all(Case.read(case) for cases in CASES.values() for case in cases)


def test_words_that_are_no_case_are_told() -> None:
    with pytest.raises(ValueError, match="there is no step 'tain'"):
        Case.read("tain:1")
    assert Fault.read("-12full") == Fault(12, "before", "full")
