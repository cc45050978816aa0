"""Self-tests: is this model the thing that it is taken for? What people write down, and what holds for every model.

What a ``self_tests.py`` needs stands here::

    from airflow_mlops.core.evaluation.self_tests import Case, Direction, Invariance, Scorer, between
"""

from airflow_mlops.core.evaluation.self_tests.expectations import Expected, about, at_least, at_most, between
from airflow_mlops.core.evaluation.self_tests.run import BUILT_IN, self_test, untested
from airflow_mlops.core.evaluation.self_tests.subject import Scorer, Subject
from airflow_mlops.core.evaluation.self_tests.written import Case, Direction, Invariance, Written

__all__ = [
    "BUILT_IN",
    "Case",
    "Direction",
    "Expected",
    "Invariance",
    "Scorer",
    "Subject",
    "Written",
    "about",
    "at_least",
    "at_most",
    "between",
    "self_test",
    "untested",
]
