"""Documents, such as a model card: one content, written as an HTML page or as Markdown."""

from airflow_mlops.core.pages.documents.blocks import Bars, Block, Code, Curve, Grid, Interval, Pairs, Prose
from airflow_mlops.core.pages.documents.document import Document, Section
from airflow_mlops.core.pages.documents.html import html
from airflow_mlops.core.pages.documents.kept import document_of, kept
from airflow_mlops.core.pages.documents.text import markdown

__all__ = [
    "Bars",
    "Block",
    "Code",
    "Curve",
    "Document",
    "Grid",
    "Interval",
    "Pairs",
    "Prose",
    "Section",
    "document_of",
    "html",
    "kept",
    "markdown",
]
