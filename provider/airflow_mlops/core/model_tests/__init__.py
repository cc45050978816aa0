"""Model tests: built-in tests, and the cases, invariances and directions that a team defines in ``self_tests.py``.

A ``self_tests.py`` imports from here::

    from airflow_mlops.core.model_tests import Case, Direction, Invariance, ModelScorer, between
"""

from airflow_mlops.core.model_tests.custom_tests import Case, CustomTests, Direction, Invariance
from airflow_mlops.core.model_tests.expectations import Expected, about, at_least, at_most, between
from airflow_mlops.core.model_tests.runner import BUILT_IN, report_load_failure, run_model_tests
from airflow_mlops.core.model_tests.subject import ModelScorer, ModelUnderTest

__all__ = [
    "BUILT_IN",
    "Case",
    "CustomTests",
    "Direction",
    "Expected",
    "Invariance",
    "ModelScorer",
    "ModelUnderTest",
    "about",
    "at_least",
    "at_most",
    "between",
    "report_load_failure",
    "run_model_tests",
]
