"""Cached templates and style sheets of the pages."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

_TONES = {"error": "fail", "warning": "warn", "note": "none"}


@cache
def load_macros(name: str = "report.html") -> Any:
    """Return the macros of a template."""
    return _environment().get_template(name).module


@cache
def load_css(name: str = "report.css") -> Markup:
    """Return a style sheet; it is part of the package and needs no escaping."""
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
    environment.globals["tones"] = _TONES
    return environment
