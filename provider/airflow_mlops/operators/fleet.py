"""The fleet: what there is to watch of all models at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_mlops.operators.base import LifecycleOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ListModelsOperator(LifecycleOperator):
    """List the models that have a champion, each with its newest data; gives the keywords of a drift check for each.

    Map a :class:`~airflow_mlops.operators.drift.CheckDriftOperator` over it, and one DAG watches any number of models.
    A new one is watched from its first champion on, without a change to the DAG::

        models = ListModelsOperator(task_id="models")
        CheckDriftOperator.partial(task_id="drift").expand_kwargs(models.output)

    A model whose data is not in the catalogue is named in the log and left out. How many a task can be mapped over is
    Airflow's setting ``[core] max_map_length``.

    :param features: how datasets of features are called; ``{model}`` stands for the model's name.
    :param scores: how datasets of scores are called; empty: scores are not watched.
    :param policy: how policies are called; a model without one has the defaults.
    :param only: only these models; default: all.
    :param until: only partitions up to this one; default: the newest.
    """

    template_fields: Sequence[str] = ("features", "scores", "policy", "only", "until")

    def __init__(
        self,
        *,
        features: str = "{model}_features",
        scores: str | None = "{model}_scores",
        policy: str | None = "include/{model}/policy.yaml",
        only: Sequence[str] | None = None,
        until: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.features = features
        self.scores = scores
        self.policy = policy
        self.only = only
        self.until = until

    def step(self, context: Context) -> list[dict[str, Any]]:
        """Ask the store, and say what is left out."""
        from airflow_mlops.core.errors import NotFound
        from airflow_mlops.store import fleet

        champions = fleet.champions(self.database)
        asked = [self.only] if isinstance(self.only, str) else list(self.only or champions)
        if unknown := [model for model in asked if model not in champions]:
            raise NotFound(f"no champion was ever made of {unknown[:5]}", mend=f"those that have one: {champions[:10]}")
        newest = fleet.newest_partitions(self.database, self.until or None)
        given = [check for model in asked for check in self._checks(model, newest)]
        if bare := sorted(set(asked) - {check["model"] for check in given}):
            self.log.warning("not watched, for want of data in the catalogue: %s", ", ".join(bare))
        self.log.info("%s models, %s checks", len(asked) - len(bare), len(given))
        return given

    def _checks(self, model: str, newest: dict[str, str]) -> list[dict[str, Any]]:
        """Give the checks of one model: of its features, and of its scores."""
        policy = self._policy(model)
        found = []
        for of, pattern in (("features", self.features), ("scores", self.scores)):
            dataset = (pattern or "").replace("{model}", model)
            if dataset in newest:
                partition = newest[dataset]
                check = {"model": model, "snapshot": f"{dataset}@{partition}", "of": of, "policy": policy}
                found.append({**check, "champion_at": partition})
        return found

    def _policy(self, model: str) -> str | None:
        from airflow_mlops.core.errors import BadInput
        from airflow_mlops.core.imports import find_file

        path = (self.policy or "").replace("{model}", model)
        try:
            find_file(path)
        except BadInput:
            return None
        return path
