"""Plugin with template macros: ``{{ macros.mlops.champion_as_of('churn', ds) }}``.

Every task process imports this module, so it has no heavy imports.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_mlops.macros import champion_as_of


class MacrosPlugin(AirflowPlugin):
    """Register ``macros.mlops`` for templates."""

    name = "mlops"
    macros: list[Any] = [champion_as_of]  # noqa: RUF012 - as the base class has it
