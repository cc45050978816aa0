"""The whole churn story without a scheduler, once with the change and once without."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.churn import offline


@pytest.mark.parametrize("change", [True, False], ids=["the world changes", "the world stays"])
def test_drift_leads_to_one_retraining_and_a_quiet_world_to_none(
    change: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    told = offline.summarise(offline.run(offline.OfflineScenario.create(tmp_path, seed=101, size=3000, change=change)))
    assert told["quiet"] >= 3
    assert told["alarms_in_quiet_weeks"] == 0
    if change:
        assert told["first_changed_week"] == "fail"
        assert (told["episodes"], told["retrainings"]) == (1, 1)
        assert (told["champions"], told["decisions"]) == ([1, 2], ["promote_first", "promote"])
        assert told["smallest_gain_after_cutoff"] > 0
    else:
        assert (told["episodes"], told["retrainings"], told["champions"]) == (0, 0, [1])
