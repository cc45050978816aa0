"""A document within a report: how it is kept in the store, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.pages.documents.document import Document
from airflow_mlops.core.report import Report

FORMAT = 1


def kept(document: Document) -> dict[str, Any]:
    """Give the facts under which a report keeps a document."""
    return {"document_format": FORMAT, "document": document.to_dict()}


def document_of(report: Report) -> Document:
    """Read the document that a report keeps.

    :raises BadInput: when it keeps none, or one of a format that this version does not read.
    """
    found, written = report.facts.get("document"), report.facts.get("document_format")
    if not isinstance(found, Mapping):
        raise BadInput(f"the report is no document but a {report.kind}", where=f"report {report.id}")
    try:
        if written != FORMAT:
            raise ValueError(written)
        return Document.from_dict(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"the document is not readable here (format {written!r}, this version reads {FORMAT})",
            where=f"report {report.id}",
            mend="read it with the airflow-provider-mlops that wrote it, or make it again",
        ) from error
