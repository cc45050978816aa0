"""The model card: what is known of a version, and what is not, in one document."""

from airflow_mlops.core.evaluation.card.card import KIND, model_card, report_of
from airflow_mlops.core.evaluation.card.known import Known, Run
from airflow_mlops.core.evaluation.card.owners import Owners

__all__ = ["KIND", "Known", "Owners", "Run", "model_card", "report_of"]
