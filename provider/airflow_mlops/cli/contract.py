"""What the commands ``airflow mlops contract ...`` do."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from airflow_mlops.core.errors import MlopsError
from airflow_mlops.hooks.store import LifecycleStoreHook


def infer(args: Namespace) -> None:
    """Write a first contract from a file, a folder of Parquet files, or ``dataset@partition``."""
    try:
        from airflow_mlops.core.data.contracts.infer import infer_contract, to_yaml

        data, name = _opened(args.data, args.store_conn_id)
        write(to_yaml(infer_contract(data, args.name or name)), args.output)
    except MlopsError as error:
        raise SystemExit(str(error)) from None


def schema(args: Namespace) -> None:
    """Print the JSON schema of a contract, for editors."""
    from airflow_mlops.core.data.contracts.schema import schema_text

    write(schema_text(), args.output)


def check(args: Namespace) -> None:
    """Say whether a contract is valid."""
    from airflow_mlops.core.data.contracts import Contract

    try:
        contract = Contract.load(args.contract)
    except MlopsError as error:
        raise SystemExit(str(error)) from None
    key = ", ".join(contract.key) or "none"
    print(f"{contract.name}: valid; {len(contract.columns)} columns, {len(contract.checks)} checks, key: {key}")


def _opened(data: str, store_conn_id: str) -> tuple[Any, str]:
    """Open what was named, and give what it may be called."""
    path = Path(data)
    if not path.exists() and "@" in data and "://" not in data:
        from airflow_mlops.core.address import snapshot_at

        hook = LifecycleStoreHook(store_conn_id)
        return hook.snapshots.open(snapshot_at(hook.database, data)), data.partition("@")[0]
    name = path.name.removesuffix(".gz").rsplit(".", 1)[0] or "dataset"
    if data.endswith((".csv", ".csv.gz")):
        import pandas as pd

        from airflow_mlops.core.data.files import read_file

        return pd.concat(list(read_file(data)), ignore_index=True), name
    return data, name


def write(text: str, output: str | None) -> None:
    """Print a text, or write it to a new file."""
    if not output:
        print(text, end="")
        return
    try:
        with Path(output).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SystemExit(f"{output} is there already; it is not overwritten") from None
    except OSError as error:
        raise SystemExit(f"{output} cannot be written: {error.strerror}") from None
    print(f"wrote {output}")
