"""The six steps by hand, with pandas, scikit-learn and MLflow: what the plain script and the peers run.

They are the least that the steps of the provider do: data stays in memory, the checks are a handful, and the gate
compares two numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import hand_written, models

EXPERIMENT = "six-steps"
CHAMPION = "champion.txt"


class Invalid(Exception):
    """The rows are not what they have to be."""


def use(folder: str) -> None:
    """Keep MLflow's database and files in a folder."""
    import mlflow

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{place / 'mlflow.db'}")
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        mlflow.create_experiment(EXPERIMENT, artifact_location=(place / "models").as_uri())


def ingest(file: str) -> Any:
    """Read the rows."""
    import pandas as pd

    return pd.read_parquet(file)


def validate(rows: Any) -> Any:
    """Check columns, types, the key, and the target.

    :raises Invalid: when something is broken.
    """
    wrong = [name for name in models.NUMBERS if name not in rows or rows[name].dtype.kind not in "if"]
    wrong += [name for name in models.CATEGORIES if name not in rows or rows[name].nunique() > 100]
    wrong += [name for name in models.FEATURES if rows[name].isna().mean() > 0.3]
    if rows[models.KEY].duplicated().any():
        wrong.append(models.KEY)
    if not rows[models.TARGET].isin([0, 1]).all():
        wrong.append(models.TARGET)
    if wrong:
        raise Invalid(f"these columns are broken: {wrong}")
    return rows


def split(rows: Any) -> tuple[Any, Any, Any]:
    """Split by the hash of the key: 60, 15 and 25 %."""
    import pandas as pd

    place = pd.util.hash_pandas_object(rows[models.KEY], index=False) / 2.0**64
    return rows[place >= 0.4], rows[(place >= 0.25) & (place < 0.4)], rows[place < 0.25]


def train(train_rows: Any, validation_rows: Any, folder: str) -> str:
    """Fit, and log the run; return the model's URI."""
    import mlflow

    use(folder)
    uri, _ = hand_written.fit_and_log(
        models.boosted,
        train_rows,
        validation_rows,
        features=models.FEATURES,
        target=models.TARGET,
        experiment=EXPERIMENT,
        params={"train_rows": len(train_rows), "seed": 0},
    )
    mlflow.register_model(uri, EXPERIMENT)
    return uri


def evaluate(test_rows: Any, uri: str, folder: str) -> dict[str, dict[str, float]]:
    """Score the test rows with challenger and champion; return the metrics of each."""
    use(folder)
    kept = Path(folder) / CHAMPION
    uris = {"challenger": uri, "champion": kept.read_text() if kept.exists() else uri}
    scores = hand_written.score_models(uris, test_rows, features=models.FEATURES)
    return {role: hand_written.compute_metrics(test_rows[models.TARGET], of) for role, of in scores.items()}


def gate(figures: dict[str, dict[str, float]], uri: str, folder: str) -> str:
    """Decide by the area under the ROC curve; the first model becomes champion."""
    kept = Path(folder) / CHAMPION
    first = not kept.exists()
    if first or figures["challenger"]["roc_auc"] > figures["champion"]["roc_auc"]:
        kept.write_text(uri)
    gain = figures["challenger"]["roc_auc"] - figures["champion"]["roc_auc"]
    return "promote_first" if first else "promote" if gain > 0 else "reject"
