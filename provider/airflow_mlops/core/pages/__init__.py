"""Reports for people to look at: an HTML page, and a short Markdown text."""

from airflow_mlops.core.pages.markdown import markdown
from airflow_mlops.core.pages.page import notice, render

__all__ = ["markdown", "notice", "render"]
