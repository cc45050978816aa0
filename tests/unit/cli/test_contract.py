"""The commands on contracts: infer, schema, check."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from airflow_mlops.cli import contract as command
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.data.validation import validate
from airflow_mlops.store import catalogue
from airflow_mlops.store.database import Database


def arguments(**values: Any) -> Namespace:
    return Namespace(**{"name": None, "output": None, "store_conn_id": "mlops_store_default", **values})


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_a_contract_is_written_from_a_file_and_kept_by_it(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"trips{suffix}"
    frame = pd.DataFrame({"trip_id": range(50), "country": ["NA", "FR"] * 25})
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    output = tmp_path / "contract.yaml"
    command.infer(arguments(data=str(path), output=str(output)))
    assert f"wrote {output}" in capsys.readouterr().out
    contract = Contract.load(output)
    assert (contract.name, contract.key) == ("trips", ("trip_id",))
    assert contract.columns["country"].values == ("FR", "NA")
    assert validate(frame, contract).verdict == "pass"


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path, output = tmp_path / "d.parquet", tmp_path / "contract.yaml"
    pd.DataFrame({"a": [1]}).to_parquet(path)
    output.write_text("mine")
    with pytest.raises(SystemExit, match="already exists"):
        command.infer(arguments(data=str(path), output=str(output)))
    assert output.read_text() == "mine"


def test_a_partition_is_named_by_its_address(
    database: Database, root: SnapshotRoot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue.record(database, root.write("weeks", pd.DataFrame({"a": [1, 2]}), partition="2026-04-06"))
    hook = SimpleNamespace(snapshots=root, database=database)
    monkeypatch.setattr(command, "LifecycleStoreHook", lambda conn_id: hook)
    command.infer(arguments(data="weeks@2026-04-06"))
    assert "name: weeks" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="weeks"):
        command.infer(arguments(data="weeks@2020-01-01"))


def test_unreadable_data_exits_with_the_error_s_message(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"\xff\xfe")
    for path, message in ((tmp_path / "d.csv", "UTF-16"), (tmp_path / "gone.parquet", "file not found")):
        with pytest.raises(SystemExit, match=message):
            command.infer(arguments(data=str(path)))


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    command.schema(arguments())
    assert json.loads(capsys.readouterr().out)["title"] == "Contract"


def test_a_contract_is_checked_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text("name: x\nkey: a\ncolumns:\n  a: {type: int}\nchecks:\n  - {name: n, rule: a > 0}\n")
    command.check(arguments(contract=str(file)))
    assert capsys.readouterr().out == "x: valid; 1 columns, 1 checks, key: a\n"
    file.write_text(file.read_text().replace("a > 0", "b > 0"))
    with pytest.raises(SystemExit, match="no column 'b'"):
        command.check(arguments(contract=str(file)))
