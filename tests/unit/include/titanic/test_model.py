from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.metrics import get_metric
from airflow_mlops.core.models import artifact, loading
from airflow_mlops.core.registry.registration import register
from airflow_mlops.core.training import fit
from airflow_mlops.core.training.splits import KeyRule, SplitFractions, split_snapshot
from airflow_mlops.store.database import Database
from include.titanic.features import FEATURES, KEY, TARGET, passenger_row
from include.titanic.model import CANDIDATES, boosted, linear, predict_survival

BUILDS = pytest.mark.parametrize("build", [linear, boosted])
SHARES = SplitFractions(test=0.25, validation=0.15)
SEEDS = range(10)


def chances(model: Any, rows: pd.DataFrame) -> np.ndarray:
    return model.predict_proba(rows[FEATURES])[:, 1]


@pytest.fixture(scope="module")
def fitted(generated: pd.DataFrame) -> dict[Callable[..., Pipeline], Pipeline]:
    return {build: build().fit(generated[FEATURES], generated[TARGET]) for build in (linear, boosted)}


@BUILDS
def test_a_candidate_is_unfitted_and_repeatable(build: Callable[..., Pipeline], generated: pd.DataFrame) -> None:
    first, second = build(seed=1), build(seed=1)
    assert not hasattr(first, "classes_")
    for model in (first, second):
        model.fit(generated[FEATURES], generated[TARGET])
    assert (chances(first, generated) == chances(second, generated)).all()


@BUILDS
def test_a_candidate_is_stored_and_loaded_with_the_provider_s_own_allow_list(
    build: Callable[..., Pipeline], fitted: dict[Any, Pipeline], generated: pd.DataFrame, tmp_path: Path
) -> None:
    digest = artifact.write(fitted[build], tmp_path / "model", generated[FEATURES].head())
    again = loading.load_model(tmp_path / "model", digest)
    assert (chances(again, generated) == chances(fitted[build], generated)).all()


@BUILDS
def test_a_passenger_s_chance_depends_on_that_passenger_alone(
    build: Callable[..., Pipeline], fitted: dict[Any, Pipeline], generated: pd.DataFrame
) -> None:
    together = chances(fitted[build], generated.head(20))
    alone = [chances(fitted[build], generated.iloc[[n]])[0] for n in range(20)]
    assert together == pytest.approx(alone, abs=1e-12)


@BUILDS
def test_unknown_and_missing_values_are_answered(
    build: Callable[..., Pipeline], fitted: dict[Any, Pipeline], generated: pd.DataFrame
) -> None:
    strange = generated.head(5).copy()
    strange["Age"] = strange["Fare"] = np.nan
    strange["Cabin"] = strange["Embarked"] = pd.Series(np.nan, index=strange.index, dtype=object)
    strange["Name"], strange["Ticket"] = "", "?"
    strange["SibSp"] = 19
    strange["Sex"] = "unheard of"
    assert np.isfinite(chances(fitted[build], strange)).all()


@BUILDS
@pytest.mark.parametrize("column", ["Age", "Cabin", "Embarked"])
def test_it_can_be_fitted_on_rows_without_missing_values_and_asked_with_them(
    build: Callable[..., Pipeline], column: str, generated: pd.DataFrame
) -> None:
    whole = generated.dropna(subset=[column])
    model = build().fit(whole[FEATURES], whole[TARGET])
    asked = generated[generated[column].isna()].head(3)
    assert len(asked)
    assert np.isfinite(chances(model, asked)).all()


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("Name", "Example, Mr. Adam", "mr"),
        ("Name", "Example, Mrs. Adam (Eve Miss Doe)", "mrs"),
        ("Name", "Example, Master. Abel", "master"),
        ("Name", "of Example, the Countess. (Eve)", None),
        ("Ticket", "A/5 21171", "a"),
        ("Ticket", "113803", "1"),
        ("Ticket", "SOTON/O.Q. 3101", "soton"),
        ("Cabin", "C23 C25 C27", "c"),
        ("Cabin", np.nan, "unknown"),
    ],
)
def test_the_text_is_read(
    column: str, text: Any, expected: str | None, fitted: dict[Any, Pipeline], generated: pd.DataFrame
) -> None:
    columns = fitted[linear].named_steps["columns"]
    row = generated.head(1).assign(**{column: pd.Series([text], dtype=object)})
    values = pd.Series(columns.transform(row[FEATURES]).toarray().ravel(), index=columns.get_feature_names_out())
    prefix = {"Name": "title", "Ticket": "ticket", "Cabin": "deck"}[column]
    told = values[values.index.str.startswith(f"{prefix}__") & (values > 0)]
    assert [name.split("__")[-1] for name in told.index] == ([expected] if expected else [])


def form(**values: Any) -> dict[str, Any]:
    third_class = {"passenger_class": 3, "sex": "male", "age": 28, "fare": 8.05, "embarked": "S"}
    return {**third_class, "siblings_spouses": 0, "parents_children": 0, **values}


@BUILDS
def test_a_lady_of_the_first_class_has_a_better_chance_than_a_man_of_the_third(
    build: Callable[..., Pipeline], fitted: dict[Any, Pipeline]
) -> None:
    lady = passenger_row(form(passenger_class=1, sex="female", fare=80, name="Example, Mrs. Eve", cabin="C85"))
    [hers], [his] = chances(fitted[build], lady), chances(fitted[build], passenger_row(form()))
    assert hers > 0.8
    assert his < 0.3


# -- through the lifecycle's own functions


class Study:
    """A lifecycle store, snapshots and MLflow in a folder, and what the DAG's tasks do with them."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/store.db")
        self.database.upgrade()
        self.root = SnapshotRoot((folder / "snapshots").as_uri())
        self.tracking = f"sqlite:///{folder}/mlflow.db"
        self.client = MlflowClient(tracking_uri=self.tracking, registry_uri=self.tracking)
        self.client.create_experiment("titanic", artifact_location=(folder / "artifacts").as_uri())

    def roc_auc_of_seed(self, rows: pd.DataFrame, seed: int) -> dict[str, float]:
        """Split, train the candidates, choose, register and evaluate: the challenger's AUC on the test rows.

        Beside it those of two plain models, which are given all rows but the test rows.
        """
        whole = self.root.open(self.root.write("titanic", rows))
        parts = split_snapshot(self.root, whole, KeyRule(KEY, SHARES, seed=seed, stratify=TARGET))
        opened = {part: self.root.open(ref) for part, ref in parts.items()}
        runs = [
            fit.train(
                self.client,
                self.database,
                fit.Candidate(build.rpartition(":")[2], build, FEATURES, TARGET),
                fit.TrainingJob(
                    train=opened["train"],
                    validation=opened["validation"],
                    experiment="titanic",
                    key=f"{seed}/train/{number}",
                ),
            )
            for number, build in enumerate(CANDIDATES)
        ]
        challenger = register(
            self.client,
            self.database,
            model="titanic",
            run=fit.select_challenger(runs),
            data=parts,
            baseline={},
            contract=None,
            cutoff=None,
            key=f"{seed}/register",
        )
        report = comparison.compare_with_champion(
            self.database,
            self.root,
            challenger=challenger,
            rows=comparison.GateDataset(opened["test"], [KEY], TARGET, FEATURES),
            metric="roc_auc",
            tracking_uri=self.tracking,
        )
        facts = report.facts["roles"]["challenger"]
        assert facts["seen_rows"] == 0
        test = opened["test"].to_pandas()
        assert len(test) == pytest.approx(len(rows) / 4, abs=1)
        rest = pd.concat([opened["train"].to_pandas(), opened["validation"].to_pandas()])
        return {"challenger": facts["metrics"]["roc_auc"], **plain(rest, test)}


def plain(known: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    numbers, words = ["Pclass", "Age", "SibSp", "Parch", "Fare"], ["Sex", "Embarked"]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    models = {
        "logistic regression": make_pipeline(
            make_column_transformer((scaled, numbers), (OneHotEncoder(handle_unknown="ignore"), words)),
            LogisticRegression(max_iter=1000),
        ),
        "gradient boosting": make_pipeline(
            make_column_transformer((coded, words), ("passthrough", numbers)),
            HistGradientBoostingClassifier(random_state=0),
        ),
    }
    area = get_metric("roc_auc")
    return {
        name: area.value(
            test[TARGET].to_numpy(),
            model.fit(known[numbers + words], known[TARGET]).predict_proba(test)[:, 1],
        )
        for name, model in models.items()
    }


@pytest.mark.data
def test_the_chosen_model_is_no_worse_than_plain_ones_that_learn_from_more_rows(
    real: pd.DataFrame, tmp_path: Path
) -> None:
    study = Study(tmp_path)
    found = pd.DataFrame([study.roc_auc_of_seed(real, seed) for seed in SEEDS]).mean()
    print(found.round(4).to_dict())
    assert found["challenger"] >= found[["logistic regression", "gradient boosting"]].max() - 0.005, found


def test_without_a_champion_there_is_no_answer(tmp_path: Path) -> None:
    study = Study(tmp_path)
    assert predict_survival(study.database, study.tracking, "titanic", passenger_row(form())) is None
