"""Project code that blocks in the middle of a step, to be killed there."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE = "team.held"
BLOCKING_MODEL = f"{MODULE}.Patient"
CODE = '''
import time
from pathlib import Path

from sklearn.ensemble import RandomForestClassifier

HELD = Path(__file__).with_name("held")
calls = 0


def called():
    """Count this call; the one whose number the file has goes on when the file has gone."""
    global calls
    calls += 1
    if HELD.is_file() and calls == int(HELD.read_text()):
        print("going on without end", flush=True)
        while HELD.is_file():
            time.sleep(0.05)


class Patient(RandomForestClassifier):
    """A forest that can be held while it scores."""

    def predict_proba(self, X):
        called()
        return super().predict_proba(X)


def scorer(seed=0):
    return Patient(5, random_state=seed, n_jobs=1)


def forest(seed=0, trees=5):
    """A forest that can be held while it is built."""
    called()
    return RandomForestClassifier(trees, random_state=seed, n_jobs=1)
'''


@dataclass(frozen=True)
class Blocker:
    """Blocks the project code.

    :param file: the code blocks while this file exists.
    """

    file: Path

    def block_at_call(self, call: int) -> None:
        """Block each new process at its call of that number."""
        self.file.write_text(str(call))

    def release(self) -> None:
        """Unblock all processes."""
        self.file.unlink()


@pytest.fixture
def held(project: Path, monkeypatch: pytest.MonkeyPatch) -> Blocker:
    """Blocking code in the project, not blocked yet."""
    module = project / "team" / "held.py"
    module.write_text(CODE)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return Blocker(module.with_name("held"))
