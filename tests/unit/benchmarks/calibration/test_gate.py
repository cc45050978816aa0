from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from airflow_mlops.core.gate import Evidence, decide
from airflow_mlops.core.metrics import get_metric
from benchmarks.calibration import __main__ as program
from benchmarks.calibration import gate
from benchmarks.calibration.columns import chance
from benchmarks.calibration.gate_results import judged, summary
from benchmarks.calibration.gate_scores import binary, classes, values
from benchmarks.calibration.gate_studies import (
    BINARY,
    CLASSES,
    FAMILIES,
    POLICY,
    VALUES,
    Count,
    GateSize,
    batch_of,
    estimates,
    is_proven,
)


def test_scores_have_the_auc_the_correlation_and_the_base_rate_that_was_asked_for():
    rows = binary(chance(0, 1), 200_000, 0.27, (0.84, 0.86), 0.8)
    found = [get_metric("roc_auc").value(rows.target, scores) for scores in rows.scores]
    assert found == pytest.approx([0.84, 0.86], abs=0.004)
    assert rows.target.mean() == pytest.approx(0.27, abs=0.005)
    logits = [np.log(s / (1 - s))[rows.target == 0] for s in rows.scores]
    assert np.corrcoef(logits)[0, 1] == pytest.approx(0.8, abs=0.01)
    assert get_metric("calibration_error").value(rows.target, rows.scores[0]) < 0.01


def test_rows_of_customers_belong_together():
    rows = binary(chance(0, 2), 5_000, 0.27, (0.84, 0.84), 0.8, clustered=True)
    assert len(np.unique(rows.clusters)) < 1_000
    assert all(len(set(rows.target[rows.clusters == c])) == 1 for c in range(50))
    assert get_metric("roc_auc").value(rows.target, rows.scores[0]) == pytest.approx(0.84, abs=0.06)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("task", ["binary", "classes", "values"])
def test_what_a_study_counts_is_what_the_gate_decides(task, seed):
    rng = chance(seed, 3)
    rows, names = {
        "binary": lambda: (binary(rng, 500, 0.27, (0.7, 0.78), 0.8), BINARY),
        "classes": lambda: (classes(rng, 500, 2, 0.8), CLASSES),
        "values": lambda: (values(rng, 500, 2, 0.8), VALUES),
    }[task]()
    for name, gain in estimates(rows, names).items():
        champion, challenger = (
            Evidence("m", "s", np.array([f"{i:04}" for i in range(500)]), rows.target, scores, 0)
            for scores in rows.scores
        )
        report = decide(champion, challenger, POLICY.model_copy(update={"metric": name}))
        assert report.facts["gain"]["value"] == pytest.approx(gain.value)
        assert report.facts["gain"]["low"] == pytest.approx(gain.bounds(POLICY.confidence)[0])
        assert (report.decision == "promote") == is_proven(gain, 1, POLICY)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_counts_each_study_once_a_pair_and_the_same_again(family):
    size = GateSize(3, rows=(500, 5_000), batch=2)
    first, again = (batch_of(family, 0, 1, size) for _ in range(2))  # the last batch has one pair left
    assert first == again
    assert {count["pairs"] for count in first} == {1}
    assert len({repr(sorted(c.items(), key=str)) for c in first}) == len(first)


def row(study="aa", rows=500, base_rate=0.27, pairs=2_000, promoted=0):
    return {**Count(study, rows, "roc_auc", base_rate).to_dict(), "pairs": pairs, "promoted": promoted}


@pytest.mark.parametrize("study", ["aa", "aa clustered", "slices 20 equal"])
def test_equal_models_are_held_to_the_upper_end_of_the_interval(study):
    held = [judged(row(study, promoted=n), small=False).holds for n in range(70, 100)]
    assert held.index(False) == 11  # 81 of 2,000: 4.05 %, whose interval ends above 5 %
    assert not any(held[11:])


def test_the_gain_that_is_promised_is_held_to_its_rate_and_others_are_told():
    assert judged(row("gain 0.02", 5_000, promoted=1_800), small=False).holds is True
    assert judged(row("gain 0.02", 5_000, promoted=1_799), small=False).holds is False
    assert judged(row("gain 0.02", 2_000, promoted=1), small=False).holds is None
    assert judged(row("gain 0.02", 5_000, 0.05, promoted=1), small=False).holds is None
    assert judged(row("info aa clustered, key not named", promoted=500), small=False).holds is None


def test_few_pairs_are_refused_only_when_that_is_no_chance():
    most = int(stats.binom.ppf(0.999, 100, 0.05))
    assert judged(row(pairs=100, promoted=most), small=True).holds is True
    assert judged(row(pairs=100, promoted=most + 1), small=True).holds is False


def test_batches_add_up_and_studies_without_a_base_rate_have_none():
    counts = [row(pairs=20, promoted=1)] * 100 + [row("aa values", base_rate=None, pairs=20)]
    first, second = summary(counts, small=False)
    assert (first["pairs"], first["promoted"], first["rate"], first["holds"]) == (2_000, 100, 0.05, False)
    assert second["base_rate"] is None
    assert {"study", "rows", "base_rate", "auc", "correlation", "metric", "candidates", "pairs"} <= {*first}
    assert {"promoted", "rate", "low", "high", "bound", "holds"} <= {*first}


@pytest.fixture
def build(tmp_path, monkeypatch):
    monkeypatch.setattr(program, "BUILD", tmp_path)
    monkeypatch.setattr(program, "use_one_thread", lambda: None)
    monkeypatch.setattr(gate, "chosen_size", lambda pairs, small: GateSize(pairs, (500,), 2, families=("ties",)))
    return tmp_path


def test_what_was_counted_is_written_and_a_run_that_was_stopped_goes_on(build, monkeypatch, capsys):
    program.main(["gate", "--streams", "6"])
    written = (build / "calibration-gate.json").read_text()
    assert {found["pairs"] for found in json.loads(written)} == {6}
    log = build / "calibration" / "gate.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))  # as if killed before the last
    done = []
    monkeypatch.setattr(
        gate, "batch_of", lambda f, s, number, size: done.append(number) or batch_of(f, s, number, size)
    )
    program.main(["gate", "--streams", "6", "--continue"])
    assert done == [2]
    assert (build / "calibration-gate.json").read_text() == written
    assert "aa ties" in capsys.readouterr().out


def test_the_small_part_has_equal_better_and_sliced_models():
    size = gate.chosen_size(2_000, small=True)
    assert size.pairs <= 100
    assert {"equal 0.05", "better 0.27", "slices"} <= {*size.families} <= {*FAMILIES}
    assert 5_000 in size.rows  # where a gain is promised
