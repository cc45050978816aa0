"""The plugin of templates: ``{{ macros.mlops.champion_as_of('churn', ds) }}``.

Every task process imports this module, so it imports nothing that is heavy.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_mlops.champion import champion_as_of


class MacrosPlugin(AirflowPlugin):
    """Gives templates ``macros.mlops``."""

    name = "mlops"
    macros: list[Any] = [champion_as_of]  # noqa: RUF012 - as the base class has it
