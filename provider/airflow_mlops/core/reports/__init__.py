"""Rendering of reports: an HTML page and a short Markdown text."""

from airflow_mlops.core.reports.markdown import render_markdown
from airflow_mlops.core.reports.page import render_notice, render_page

__all__ = ["render_markdown", "render_notice", "render_page"]
