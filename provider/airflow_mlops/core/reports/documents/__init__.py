"""Documents, such as a model card: one content, rendered as HTML or Markdown."""

from airflow_mlops.core.reports.documents.blocks import (
    BarsBlock,
    CodeBlock,
    CurveBlock,
    DocumentBlock,
    IntervalBlock,
    PairsBlock,
    ProseBlock,
    TableBlock,
)
from airflow_mlops.core.reports.documents.document import DocumentSection, ReportDocument
from airflow_mlops.core.reports.documents.html_writer import render_html
from airflow_mlops.core.reports.documents.markdown_writer import render_document_markdown
from airflow_mlops.core.reports.documents.storage import document_facts, load_document

__all__ = [
    "BarsBlock",
    "CodeBlock",
    "CurveBlock",
    "DocumentBlock",
    "DocumentSection",
    "IntervalBlock",
    "PairsBlock",
    "ProseBlock",
    "ReportDocument",
    "TableBlock",
    "document_facts",
    "load_document",
    "render_document_markdown",
    "render_html",
]
