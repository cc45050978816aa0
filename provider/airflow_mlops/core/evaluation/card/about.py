"""What a version is, what it was made from, and how it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.data.contracts.columns import ColumnRule
from airflow_mlops.core.evaluation.card.known import Known, mapping
from airflow_mlops.core.evaluation.card.owners import USE
from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents import Code, Grid, Pairs, Prose, Section
from airflow_mlops.core.training.provenance import CODE_TAG, PYTHON_TAG

PARTS = {"train": "Training", "validation": "Validation", "test": "Gate"}
TASKS = {"binary": "two classes", "multiclass": "several classes", "regression": "a number"}
_TOLD_ELSEWHERE = ("features", "target")


def identity(known: Known) -> Section:
    """Say which model it is, who made it when, and from which code."""
    run = known.run
    tags, params = (run.tags, run.params) if run else ({}, {})
    entry = mapping(known.entry)
    since = f"epoch {words.figure(entry.get('epoch'))}, from {words.moment(entry.get('effective_at'))}"
    rows = [
        ("Model", known.model),
        ("Version", str(known.version)),
        ("Candidate", known.candidate),
        ("Estimator", mapping(run.estimator).get("type") if run else None),
        ("Predicts", " · ".join(filter(None, [params.get("target", ""), TASKS.get(known.task or "", "")]))),
        ("Became champion", since if entry else "no, as far as the ledger knew when this card was made"),
        ("Registered", words.moment(known.recorded_at)),
        ("Registered by", known.actor),
        ("Trained by", tags.get("mlops.dag_run")),
        ("Code", tags.get(CODE_TAG)),
        ("Python", tags.get(PYTHON_TAG)),
        ("MLflow run", known.run_id),
        ("Digest of its files (SHA-256)", known.digest),
    ]
    lost = [] if run else [Prose.of("Missing: the MLflow run is not there, so code, environment and target are lost.")]
    return Section.of("What it is", Pairs.of(rows), *lost)


def data(known: Known) -> Section:
    """Say which rows it was made and judged with."""
    if not known.data:
        return Section.without("Data", "the version was registered without its snapshots.")
    rows = [_part(name, mapping(known.data.get(name))) for name in (*PARTS, *sorted({*known.data} - {*PARTS}))]
    grid = Grid.of(("Part", "Dataset", "Partition", "Rows", "Snapshot"), [row for row in rows if row], texts=True)
    label = known.contract.label if known.contract else None
    pairs = [
        ("Trained on data up to", known.cutoff),
        ("Split", _rule(known.split) if known.split else "not known"),
        ("Label", label or (known.run.params.get("target") if known.run else None)),
    ]
    return Section.of("Data", grid, Pairs.of(pairs))


def _part(name: str, ref: Mapping[str, Any]) -> tuple[Any, ...]:
    if not ref:
        return ()
    partition = ref.get("partition") or words.NOTHING
    return (PARTS.get(name, name), ref.get("dataset"), partition, ref.get("rows"), ref.get("id"))


def _rule(split: Mapping[str, Any]) -> str:
    how = words.label(split.get("how") or "by rule")
    told = {k: str(v).removesuffix(", 0:00:00") if isinstance(v, str) else v for k, v in split.items() if k != "how"}
    rest = {k: v for k, v in told.items() if v not in (None, "", [], 0, "0:00:00")}  # what was not asked for
    return f"{how}: {words.figure(rest)}" if rest else how


def inputs(known: Known) -> Section:
    """List the columns that the model takes, with what the contract promises of them."""
    if known.contract is None:
        return Section.without("Inputs", "it was trained without a contract, or that cannot be read any more.")
    contract = known.contract
    rows = [(name, contract.columns[name].type, promise(contract.columns[name])) for name in contract.features]
    grid = Grid.of(("Column", "Type", "Promise"), rows, folded="Columns" if len(rows) > 12 else "", texts=True)
    rules = words.count_of(len(contract.checks), "rule") + " across columns"
    lead = f"The contract {contract.name!r} names {words.count_of(len(rows), 'feature')} and {rules}."
    return Section.of("Inputs", grid, lead=lead)


def promise(rule: ColumnRule) -> str:
    """Say in words what a column promises beyond its type; empty when that is nothing."""
    told = [] if rule.required else ["may be left out"]
    told += [] if rule.nullable else ["never missing"]
    if rule.max_missing is not None:
        told.append(f"at most {words.share(rule.max_missing)} missing")
    if rule.values:
        told.append(f"one of {words.figure(list(rule.values))}")
    bounds: dict[str, Any] = {"at least": rule.min, "at most": rule.max, "length at least": rule.min_length}
    bounds |= {"length at most": rule.max_length, "matches": rule.pattern}
    told += [f"{word} {words.figure(bound)}" for word, bound in bounds.items() if bound is not None]
    told += ["unique"] if rule.unique else []
    return ", ".join(told + (["few outliers"] if rule.outliers else []))


def parameters(known: Known) -> Section:
    """List what the training was given, and what the estimator had."""
    if known.run is None:
        return Section.without("Parameters", "the MLflow run is not there.")
    told = {
        name.removeprefix("param."): value
        for name, value in sorted(known.run.params.items(), key=lambda pair: not pair[0].startswith("param."))
        if name not in _TOLD_ELSEWHERE and not name.endswith(("_snapshot", "_rows", "_partition"))
    }
    had = mapping(mapping(known.run.estimator).get("params"))
    by_depth = sorted(had.items(), key=lambda pair: (str(pair[0]).count("__"), str(pair[0])))
    note = "All of them are in estimator.json among the run's artifacts."
    grid = (
        Grid.of(("Parameter", "Value"), by_depth, note=note, folded="The estimator's own", texts=True) if had else None
    )
    return Section.of("Parameters", Pairs.of(told.items()), grid)


def use(known: Known) -> Section:
    """Say how it is scored with, in a DAG and by hand."""
    key = list(known.contract.key) if known.contract and known.contract.key else ["id"]
    names = json.dumps(known.model, ensure_ascii=False), json.dumps(key, ensure_ascii=False)
    step = Code.of(
        "from airflow_mlops.operators.score import ScoreDatasetOperator\n\n"
        "ScoreDatasetOperator(\n"
        f'    task_id="score",\n    model={names[0]},\n    snapshot=ingest.output,\n'
        f"    key={names[1]},\n    contract=...,\n)"
    )
    by_hand = Code.of(
        "from pathlib import Path\n\n"
        "from airflow_mlops.core.training.artifact import load\n"
        "from airflow_mlops.core.training.prediction import predict\n"
        "from mlflow.artifacts import download_artifacts\n\n"
        f"folder = Path(download_artifacts({json.dumps(known.artifact_uri, ensure_ascii=False)}))\n"
        f"model = load(folder, {json.dumps(known.digest, ensure_ascii=False)})\n"
        "scores = predict(model, rows)  # rows: a DataFrame with the columns of Inputs, as they come"
    )
    return Section.of(
        "How to use it",
        *known.owners.of(USE),
        Prose.of("In a DAG, with whichever version is champion on the data's date:"),
        step,
        Prose.of(
            "This very version, its files checked against the digest before a byte of them is read. A model with types"
            " of the project's own needs trusted=[...], as its training did:"
        ),
        by_hand,
    )
