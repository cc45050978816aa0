"""Storage of a document in the facts of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.report import Report
from airflow_mlops.core.reports.documents.document import ReportDocument

_FORMAT = 2


def document_facts(document: ReportDocument) -> dict[str, Any]:
    """Return the report facts that store a document."""
    return {"document_format": _FORMAT, "document": document.to_dict()}


def load_document(report: Report) -> ReportDocument:
    """Return the document stored in a report.

    :raises BadInput: when there is none, or its format is not supported.
    """
    data, document_format = report.facts.get("document"), report.facts.get("document_format")
    if not isinstance(data, Mapping):
        raise BadInput(f"the report has no document; its kind is {report.kind}", where=f"report {report.id}")
    try:
        if document_format != _FORMAT:
            raise ValueError(document_format)
        return ReportDocument.from_dict(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"cannot read the document: format {document_format!r}, supported is {_FORMAT}",
            where=f"report {report.id}",
            hint="read it with the airflow-provider-mlops version that wrote it, or create it again",
        ) from error
