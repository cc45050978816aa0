"""Operator that lists all models to monitor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ListModelsOperator(LifecycleOperator):
    """List the models that have a champion, with their newest data. Returns the keywords of one drift check each.

    Map a :class:`~airflow_mlops.operators.drift.CheckDriftOperator` over the result to monitor any number of models in
    one DAG. A new model is included from its first champion on, without a change to the DAG::

        models = ListModelsOperator(task_id="models")
        CheckDriftOperator.partial(task_id="drift").expand_kwargs(models.output)

    Models without data in the catalogue are logged and skipped. Airflow's ``[core] max_map_length`` limits the number
    of mapped tasks.

    :param features: name pattern of feature datasets; ``{model}`` is the model's name. Default: ``{model}_features``.
    :param scores: name pattern of score datasets. Default: ``{model}_scores``; ``None`` or empty: scores are not
        checked.
    :param policy: path pattern of policy files. Default: ``include/{model}/policy.yaml``. A model without this file
        uses the default policy.
    :param models: names of the models to list. Default: all.
    :param until: last partition to consider. Default: the newest.
    """

    template_fields: Sequence[str] = ("features", "scores", "policy", "models", "until")

    def __init__(
        self,
        *,
        features: str = "{model}_features",
        scores: str | None = "{model}_scores",
        policy: str | None = "include/{model}/policy.yaml",
        models: Sequence[str] | None = None,
        until: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.features = features
        self.scores = scores
        self.policy = policy
        self.models = models
        self.until = until

    def step(self, context: Context) -> list[dict[str, Any]]:
        """Read champions and partitions, and log the models that are skipped."""
        from airflow_mlops.common.errors import NotFound
        from airflow_mlops.store import model_inventory

        champions = model_inventory.models_with_champion(self.database)
        models = [self.models] if isinstance(self.models, str) else list(self.models or champions)
        if unknown := [model for model in models if model not in champions]:
            raise NotFound(f"no champion exists for {unknown[:5]}", hint=f"models with a champion: {champions[:10]}")
        newest = model_inventory.newest_partitions(self.database, self.until or None)
        checks = [check for model in models for check in self._checks(model, newest)]
        if skipped := sorted(set(models) - {check["model"] for check in checks}):
            self.log.warning("Skipping models without data in the catalogue: %s", ", ".join(skipped))
        self.log.info("%s models, %s checks", len(models) - len(skipped), len(checks))
        return checks

    def _checks(self, model: str, newest: dict[str, str]) -> list[dict[str, Any]]:
        """Return the checks of one model: of its features and of its scores."""
        policy = self._policy(model)
        checks = []
        for data_kind, pattern in (("features", self.features), ("scores", self.scores)):
            dataset = (pattern or "").replace("{model}", model)
            if dataset in newest:
                partition = newest[dataset]
                check = {"model": model, "snapshot": f"{dataset}@{partition}", "data_kind": data_kind}
                checks.append({**check, "policy": policy, "champion_at": partition})
        return checks

    def _policy(self, model: str) -> str | None:
        from airflow_mlops.common.errors import BadInput
        from airflow_mlops.common.imports import find_file

        path = (self.policy or "").replace("{model}", model)
        try:
            find_file(path)
        except BadInput:
            return None
        return path
