"""The templates and style sheets of the pages, each loaded once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

TONES = {"error": "fail", "warning": "warn", "note": "none"}


@cache
def macros(name: str = "report.html") -> Any:
    """Load a template; a page is written by its macros."""
    return _environment().get_template(name).module


@cache
def css(name: str = "report.css") -> Markup:
    """Read a style sheet; it is ours, and has nothing to escape."""
    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))  # noqa: S704


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["tones"] = TONES
    return environment
