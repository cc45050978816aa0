"""Validation by contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.standard.operators.branch import BaseBranchOperator

from airflow_mlops.operators.base import ReportingOperator, moment_of

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Context

    from airflow_mlops.core.data.snapshot import Snapshot
    from airflow_mlops.core.data.validation.quarantine import Quarantine
    from airflow_mlops.core.refs import SnapshotRef
    from airflow_mlops.core.report import Report


class ValidateDatasetOperator(ReportingOperator):
    """Hold a dataset against its contract; gives the ``ReportRef``.

    With ``quarantine`` the rows that break it are set apart: good and bad rows become two snapshots, and the task gives
    ``{"report": ReportRef, "good": SnapshotRef, "bad": SnapshotRef or None}``. When more rows are bad than the contract
    lets be set apart, nothing is written and the report fails.

    :param snapshot: a ``SnapshotRef``, or ``dataset@partition``.
    :param contract: the path of a ``contract.yaml``, or its content; or a pandera schema's import path, such as
        ``include.churn.schema:SCHEMA``.
    :param environment: one of the contract's environments, such as ``serving`` (no label).
    :param reference: what outlier rules compare with: a snapshot or a ``ProfileRef``.
    :param as_of: the moment for freshness, such as the data's cut-off; default: now.
    :param quarantine: the dataset for good rows; the bad ones go to ``<dataset>_quarantine``.
    :param conn_id: validate in the database instead: the connection.
    :param table: with ``conn_id``: a table, a view or one SELECT; no row is moved but the examples of what is broken.
    :param when_failed: ``fail``: the task fails, after the report is published; ``warn``: it only says so.
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
        """Validate, publish, then raise if the contract is broken."""
        return self._judged(context)[1]

    def _judged(self, context: Context) -> tuple[Report, dict[str, Any]]:
        """Judge and publish; give the report and what the task gives."""
        from airflow_mlops.core.data import validate

        data, subject = self.data_of(self.snapshot, self.conn_id, self.table)
        options = self._options(subject)
        if self.quarantine is None:
            report = validate(data, self.contract, **options)
            return report, self.conclude(report, context)
        from airflow_mlops.core.data.snapshot import Snapshot
        from airflow_mlops.core.data.validation.quarantine import quarantine
        from airflow_mlops.core.errors import BadInput

        if not isinstance(data, Snapshot):
            raise BadInput("rows in a database cannot be set apart", mend="ingest them first, then quarantine")
        parted = quarantine(data, self.contract, **options)
        ref = self.conclude(parted.report, context)
        good, bad = (None, None) if parted.report.verdict == "fail" else self._part(data, parted, self.quarantine)
        return parted.report, {"report": ref, "good": good, "bad": bad}

    def _options(self, subject: str) -> dict[str, Any]:
        return {
            "subject": subject,
            "environment": self.environment,
            "as_of": moment_of("as_of", self.as_of),
            "reference": None if self.reference is None else self.profile_of(self.reference),
        }

    def _part(self, rows: Snapshot, parted: Quarantine, dataset: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Write good and bad rows as two snapshots; each is read slice by slice."""
        from airflow_mlops.store import catalogue

        def write(name: str, side: int) -> SnapshotRef:
            source = {"rows": rows.ref.id}
            ref = self.snapshots.write(name, _frames(parted, side), partition=rows.ref.partition, source=source)
            if ref.partition is not None:
                catalogue.record(self.database, ref)
            return ref

        good = write(dataset, 0).to_dict()
        bad = write(f"{dataset}_quarantine", 1).to_dict() if parted.bad_rows else None
        self.log.info("%s of %s rows are set apart", parted.bad_rows, parted.rows)
        return good, bad


def _frames(parted: Quarantine, side: int) -> Iterator[pd.DataFrame]:
    """Give one side as pandas frames of Arrow's types: NumPy's make floats of whole numbers where some are missing."""
    for pair in parted.pairs():
        yield pair[side].to_pandas(use_pyarrow_extension_array=True)


class ValidateDatasetBranchOperator(ValidateDatasetOperator, BaseBranchOperator):
    """Hold a dataset against its contract and branch on the verdict.

    Like :class:`ValidateDatasetOperator`, but data that breaks its contract is a way on, not a failure.

    :param if_passed: the task, or tasks, for data that keeps its contract (``warn`` included).
    :param if_failed: the task, or tasks, for data that breaks it, or that cannot be judged.
    :param snapshot: see :class:`ValidateDatasetOperator`, as for the following.
    :param contract: the contract.
    :param environment: one of the contract's environments.
    :param reference: what outlier rules compare with.
    :param as_of: the moment for freshness.
    :param quarantine: the dataset for good rows.
    :param conn_id: validate in the database instead: the connection.
    :param table: with ``conn_id``: a table, a view or one SELECT.
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
        """Not used: :meth:`step` judges, publishes and branches, so that the task gives the report's reference."""
        raise NotImplementedError

    def step(self, context: Context) -> dict[str, Any]:
        """Validate, publish, branch."""
        report, given = self._judged(context)
        # Branching ends the task by an exception of Airflow's own, so what the task gives is pushed before.
        context["ti"].xcom_push("return_value", given)
        self.do_branch(context, self.if_passed if report.verdict in ("pass", "warn") else self.if_failed)
        return given
