"""Commands ``airflow mlops contract ...``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from airflow_mlops.common.errors import MlopsError
from airflow_mlops.hooks.store import LifecycleStoreHook


def infer(args: Namespace) -> None:
    """Infer a contract from a file, a folder of Parquet files, or ``dataset@partition``."""
    try:
        from airflow_mlops.core.data.contracts.contract_inference import infer_contract, to_yaml

        data, name = _open_data(args.data, args.store_conn_id)
        write_text(to_yaml(infer_contract(data, args.name or name)), args.output)
    except MlopsError as error:
        raise SystemExit(str(error)) from None


def schema(args: Namespace) -> None:
    """Print the JSON schema of a contract, for editors."""
    from airflow_mlops.core.data.contracts.contract_schema import render_contract_schema

    write_text(render_contract_schema(), args.output)


def check(args: Namespace) -> None:
    """Check whether a contract is valid."""
    from airflow_mlops.core.data.contracts import Contract

    try:
        contract = Contract.load(args.contract)
        for column in contract.columns:
            contract.check_violations(column)
    except MlopsError as error:
        raise SystemExit(str(error)) from None
    key = ", ".join(contract.key) or "none"
    print(f"{contract.name}: valid; {len(contract.columns)} columns, {len(contract.checks)} checks, key: {key}")


def _open_data(data: str, store_conn_id: str) -> tuple[Any, str]:
    """Return the data of an argument, and a default name for its dataset."""
    path = Path(data)
    if not path.exists() and "@" in data and "://" not in data:
        from airflow_mlops.core.data.snapshots.resolver import resolve_snapshot

        hook = LifecycleStoreHook(store_conn_id)
        return hook.snapshots.open(resolve_snapshot(hook.database, data)), data.partition("@")[0]
    name = path.name.removesuffix(".gz").rsplit(".", 1)[0] or "dataset"
    if data.endswith((".csv", ".csv.gz")):
        import pandas as pd

        from airflow_mlops.core.data.files import read_file

        return pd.concat(list(read_file(data)), ignore_index=True), name
    return data, name


def write_text(text: str, output: str | None) -> None:
    """Print text, or write it to a new file."""
    if not output:
        print(text, end="")
        return
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SystemExit(f"{output} already exists and is not overwritten") from None
    except OSError as error:
        raise SystemExit(f"{output} cannot be written: {error.strerror}") from None
    print(f"wrote {output}")
