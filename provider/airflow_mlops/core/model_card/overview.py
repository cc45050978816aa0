"""The sections of a model card on identity, data, inputs, parameters and usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.data.contracts.column_rules import ColumnRule
from airflow_mlops.core.model_card.inputs import CardInputs, as_mapping
from airflow_mlops.core.model_card.owner_notes import USE
from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents import CodeBlock, DocumentSection, PairsBlock, ProseBlock, TableBlock
from airflow_mlops.core.training.provenance import CODE_TAG, PYTHON_TAG

PARTS = {"train": "Training", "validation": "Validation", "test": "Gate"}
TASKS = {"binary": "two classes", "multiclass": "several classes", "regression": "a number"}
_SHOWN_IN_OTHER_SECTIONS = ("features", "target")


def identity_section(inputs: CardInputs) -> DocumentSection:
    """Build the section on the model, its creator, time and code."""
    run = inputs.run
    tags, params = (run.tags, run.params) if run else ({}, {})
    entry = as_mapping(inputs.entry)
    revision, start = entry.get("revision"), formatting.format_timestamp(entry.get("effective_at"))
    since = f"revision {formatting.format_value(revision)}, from {start}"
    rows = [
        ("Model", inputs.model),
        ("Version", str(inputs.version)),
        ("Candidate", inputs.candidate),
        ("Estimator", as_mapping(run.estimator).get("type") if run else None),
        ("Predicts", " · ".join(filter(None, [params.get("target", ""), TASKS.get(inputs.task or "", "")]))),
        ("Became champion", since if entry else "no, according to the ledger when this card was created"),
        ("Registered", formatting.format_timestamp(inputs.recorded_at)),
        ("Registered by", inputs.actor),
        ("Trained by", tags.get("mlops.dag_run")),
        ("Code", tags.get(CODE_TAG)),
        ("Python", tags.get(PYTHON_TAG)),
        ("MLflow run", inputs.run_id),
        ("Digest of its files (SHA-256)", inputs.digest),
    ]
    notes = [] if run else [ProseBlock.of("The MLflow run was deleted, so code, environment and target are missing.")]
    return DocumentSection.of("Overview", PairsBlock.of(rows), *notes)


def data_section(inputs: CardInputs) -> DocumentSection:
    """Build the section on the snapshots for training and evaluation."""
    if not inputs.data:
        return DocumentSection.missing_section("Data", "the version was registered without its snapshots.")
    rows = [
        _snapshot_row(name, as_mapping(inputs.data.get(name))) for name in (*PARTS, *sorted({*inputs.data} - {*PARTS}))
    ]
    grid = TableBlock.of(
        ("Part", "Dataset", "Partition", "Rows", "Snapshot"), [row for row in rows if row], is_text=True
    )
    label = inputs.contract.label if inputs.contract else None
    pairs = [
        ("Trained on data up to", inputs.cutoff),
        ("Split", _format_split(inputs.split) if inputs.split else "not known"),
        ("Label", label or (inputs.run.params.get("target") if inputs.run else None)),
    ]
    return DocumentSection.of("Data", grid, PairsBlock.of(pairs))


def _snapshot_row(name: str, ref: Mapping[str, Any]) -> tuple[Any, ...]:
    if not ref:
        return ()
    partition = ref.get("partition") or formatting.EMPTY_VALUE
    return (PARTS.get(name, name), ref.get("dataset"), partition, ref.get("rows"), ref.get("id"))


def _format_split(split: Mapping[str, Any]) -> str:
    method = formatting.format_label(split.get("method") or "by rule")
    options = {k: v.removesuffix(", 0:00:00") if isinstance(v, str) else v for k, v in split.items() if k != "method"}
    used = {k: v for k, v in options.items() if v not in (None, "", [], 0, "0:00:00")}
    return f"{method}: {formatting.format_value(used)}" if used else method


def inputs_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the input columns and their contract rules."""
    if inputs.contract is None:
        return DocumentSection.missing_section(
            "Inputs", "it was trained without a contract, or its contract can no longer be read."
        )
    contract = inputs.contract
    rows = [
        (name, contract.columns[name].type, format_column_rules(contract.columns[name])) for name in contract.features
    ]
    grid = TableBlock.of(
        ("Column", "Type", "Rules"), rows, collapsed_title="Columns" if len(rows) > 12 else "", is_text=True
    )
    rules = formatting.format_count(len(contract.checks), "rule") + " across columns"
    lead = f"The contract {contract.name!r} names {formatting.format_count(len(rows), 'feature')} and {rules}."
    return DocumentSection.of("Inputs", grid, lead=lead)


def format_column_rules(rule: ColumnRule) -> str:
    """Format the rules of a column beyond its type; empty when there are none."""
    texts = [] if rule.required else ["optional"]
    texts += [] if rule.nullable else ["never missing"]
    if rule.max_missing is not None:
        texts.append(f"at most {formatting.format_percent(rule.max_missing)} missing")
    if rule.values:
        texts.append(f"one of {formatting.format_value(list(rule.values))}")
    bounds: dict[str, Any] = {"at least": rule.min, "at most": rule.max, "length at least": rule.min_length}
    bounds |= {"length at most": rule.max_length, "matches": rule.pattern}
    texts += [f"{word} {formatting.format_value(bound)}" for word, bound in bounds.items() if bound is not None]
    texts += ["unique"] if rule.unique else []
    texts += [f"satisfies {name}" for name in rule.checks]
    return ", ".join(texts + (["few outliers"] if rule.outliers else []))


def parameters_section(inputs: CardInputs) -> DocumentSection:
    """Build the section with the parameters of the training and of the estimator."""
    if inputs.run is None:
        return DocumentSection.missing_section("Parameters", "the MLflow run was deleted.")
    training = {
        name.removeprefix("param."): value
        for name, value in sorted(inputs.run.params.items(), key=lambda pair: not pair[0].startswith("param."))
        if name not in _SHOWN_IN_OTHER_SECTIONS and not name.endswith(("_snapshot", "_rows", "_partition"))
    }
    estimator = as_mapping(as_mapping(inputs.run.estimator).get("params"))
    by_depth = sorted(estimator.items(), key=lambda pair: (str(pair[0]).count("__"), str(pair[0])))
    note = "The run's artifact estimator.json has all of them."
    grid = TableBlock.of(
        ("Parameter", "Value"), by_depth, note=note, collapsed_title="Estimator parameters", is_text=True
    )
    return DocumentSection.of("Parameters", PairsBlock.of(training.items()), grid if estimator else None)


def usage_section(inputs: CardInputs) -> DocumentSection:
    """Build the section on scoring in a DAG and in Python."""
    key = list(inputs.contract.key) if inputs.contract and inputs.contract.key else ["id"]
    names = json.dumps(inputs.model, ensure_ascii=False), json.dumps(key, ensure_ascii=False)
    step = CodeBlock.of(
        "from airflow_mlops.operators.score import ScoreDatasetOperator\n\n"
        "ScoreDatasetOperator(\n"
        f'    task_id="score",\n    model={names[0]},\n    snapshot=ingest.output,\n'
        f"    key={names[1]},\n    contract=...,\n)"
    )
    python = CodeBlock.of(
        "from pathlib import Path\n\n"
        "from airflow_mlops.api import load_model, predict\n"
        "from mlflow.artifacts import download_artifacts\n\n"
        f"folder = Path(download_artifacts({json.dumps(inputs.artifact_uri, ensure_ascii=False)}))\n"
        f"model = load_model(folder, {json.dumps(inputs.digest, ensure_ascii=False)})\n"
        "scores = predict(model, rows)  # rows: a DataFrame with the columns of Inputs, as they come"
    )
    return DocumentSection.of(
        "Usage",
        *inputs.owners.prose_for(USE),
        ProseBlock.of("In a DAG, with the version that is champion on the date of the data:"),
        step,
        ProseBlock.of(
            "In Python, with this version; the digest of its files is verified before loading. A model that contains"
            " types of the project needs trusted=[...], as in its training:"
        ),
        python,
    )
