"""Operators that validate a dataset against its contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.standard.operators.branch import BaseBranchOperator

from airflow_mlops.operators.base import ReportingOperator, parse_timestamp

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Context

    from airflow_mlops.common.refs import SnapshotRef
    from airflow_mlops.common.report import Report
    from airflow_mlops.core.data.snapshots.snapshot import Snapshot
    from airflow_mlops.core.data.validation.quarantine import Quarantine


class ValidateDatasetOperator(ReportingOperator):
    """Validate a dataset against its contract. Returns a ``ReportRef``.

    With ``quarantine``, good and bad rows are written as two snapshots and the task returns
    ``{"report": ReportRef, "good": SnapshotRef, "bad": SnapshotRef or None}``. If more rows are bad than the contract
    allows to quarantine, nothing is written and the report fails.

    :param snapshot: rows to validate: a ``SnapshotRef`` or ``dataset@partition``. Alternative: ``conn_id`` and
        ``table``.
    :param contract: path of a ``contract.yaml``, its content, or the import path of a pandera schema, such as
        ``include.churn.schema:SCHEMA``.
    :param environment: one of the contract's environments, such as ``serving`` (no label). Default: none.
    :param reference: baseline of outlier rules: a snapshot or a ``ProfileRef``. Default: none.
    :param as_of: reference time for freshness, as an ISO date or date-time, such as the data's cutoff. Default: now.
    :param quarantine: name of the dataset for good rows; bad rows go to ``<dataset>_quarantine``. Default: no
        quarantine.
    :param conn_id: connection ID of a PostgreSQL or SQLite database, to validate inside it.
    :param table: table, view or one SELECT statement in that database. Only examples of invalid rows are transferred.
    :param when_failed: ``fail`` (default): a violation fails the task after the report is published. ``warn``: it only
        logs a warning.
    """

    template_fields: Sequence[str] = (
        "snapshot",
        "contract",
        "environment",
        "reference",
        "as_of",
        "quarantine",
        "conn_id",
        "table",
    )

    def __init__(
        self,
        *,
        contract: str | Mapping[str, Any],
        snapshot: str | Mapping[str, Any] | None = None,
        environment: str | None = None,
        reference: str | Mapping[str, Any] | None = None,
        as_of: str | None = None,
        quarantine: str | None = None,
        conn_id: str | None = None,
        table: str | None = None,
        when_failed: Literal["fail", "warn"] = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(when_failed=when_failed, **kwargs)
        self.snapshot = snapshot
        self.contract = contract
        self.environment = environment
        self.reference = reference
        self.as_of = as_of
        self.quarantine = quarantine
        self.conn_id = conn_id
        self.table = table

    def step(self, context: Context) -> dict[str, Any]:
        """Validate, publish the report, and fail if the contract is violated."""
        return self._validate(context)[1]

    def _validate(self, context: Context) -> tuple[Report, dict[str, Any]]:
        """Validate and publish; return the report and the task's result."""
        from airflow_mlops.core.data.validation import validate

        data, subject = self.resolve_data(self.snapshot, self.conn_id, self.table)
        options = self._options(subject)
        if self.quarantine is None:
            report = validate(data, self.contract, **options)
            return report, self.conclude(report, context)
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.core.data.snapshots.snapshot import Snapshot
        from airflow_mlops.core.data.validation.quarantine import quarantine

        if not isinstance(data, Snapshot):
            raise BadInput("quarantine is not supported for database tables", hint="ingest the rows first")
        result = quarantine(data, self.contract, **options)
        ref = self.conclude(result.report, context)
        failed = result.report.verdict == "fail"
        good, bad = (None, None) if failed else self._write_parts(data, result, self.quarantine)
        return result.report, {"report": ref, "good": good, "bad": bad}

    def _options(self, subject: str) -> dict[str, Any]:
        return {
            "subject": subject,
            "environment": self.environment,
            "as_of": parse_timestamp("as_of", self.as_of),
            "reference": None if self.reference is None else self.load_profile(self.reference),
        }

    def _write_parts(
        self, rows: Snapshot, result: Quarantine, dataset: str
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Write good and bad rows as two snapshots, chunk by chunk."""
        from airflow_mlops.store import catalogue

        def write(name: str, side: int) -> SnapshotRef:
            source = {"rows": rows.ref.id}
            ref = self.snapshots.write(name, _frames(result, side), partition=rows.ref.partition, source=source)
            if ref.partition is not None:
                catalogue.record(self.database, ref)
            return ref

        good = write(dataset, 0).to_dict()
        bad = write(f"{dataset}_quarantine", 1).to_dict() if result.bad_rows else None
        self.log.info("Quarantined %s of %s rows", result.bad_rows, result.rows)
        return good, bad


def _frames(result: Quarantine, side: int) -> Iterator[pd.DataFrame]:
    """Yield one side as Arrow-backed frames, because NumPy dtypes turn integers with nulls into floats."""
    for pair in result.split():
        yield pair[side].to_pandas(use_pyarrow_extension_array=True)


class ValidateDatasetBranchOperator(ValidateDatasetOperator, BaseBranchOperator):
    """Validate a dataset against its contract and branch on the verdict.

    Like :class:`ValidateDatasetOperator`, but a contract violation selects a branch and does not fail the task.

    :param if_passed: task ID(s) to follow when the contract is met, with or without warnings.
    :param if_failed: task ID(s) to follow when the contract is violated or the verdict is inconclusive.
    :param snapshot: rows to validate. This and all other parameters: see :class:`ValidateDatasetOperator`.
    :param contract: contract of the rows.
    :param environment: one of the contract's environments.
    :param reference: baseline of outlier rules.
    :param as_of: reference time for freshness.
    :param quarantine: name of the dataset for good rows.
    :param conn_id: connection ID of a database, to validate inside it.
    :param table: table, view or one SELECT statement in that database.
    """

    template_fields: Sequence[str] = (*ValidateDatasetOperator.template_fields, "if_passed", "if_failed")

    def __init__(
        self,
        *,
        contract: str | Mapping[str, Any],
        if_passed: str | Sequence[str],
        if_failed: str | Sequence[str],
        snapshot: str | Mapping[str, Any] | None = None,
        environment: str | None = None,
        reference: str | Mapping[str, Any] | None = None,
        as_of: str | None = None,
        quarantine: str | None = None,
        conn_id: str | None = None,
        table: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            contract=contract,
            snapshot=snapshot,
            environment=environment,
            reference=reference,
            as_of=as_of,
            quarantine=quarantine,
            conn_id=conn_id,
            table=table,
            when_failed="warn",
            **kwargs,
        )
        self.if_passed = if_passed
        self.if_failed = if_failed

    def choose_branch(self, context: Context) -> str | Sequence[str] | None:
        """Not used: :meth:`step` branches itself, because the task returns the report's reference."""
        raise NotImplementedError

    def step(self, context: Context) -> dict[str, Any]:
        """Validate, publish the report and branch."""
        report, result = self._validate(context)
        # Branching ends the task with an Airflow exception, so the return value is pushed first.
        context["ti"].xcom_push("return_value", result)
        self.do_branch(context, self.if_passed if report.verdict in ("pass", "warn") else self.if_failed)
        return result
