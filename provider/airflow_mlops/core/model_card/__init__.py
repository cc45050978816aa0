"""Model cards: the documentation of a model version in one document."""

from airflow_mlops.core.model_card.card import KIND, build_card_report, build_model_card
from airflow_mlops.core.model_card.inputs import CardInputs, TrainingRunFacts
from airflow_mlops.core.model_card.owner_notes import OwnerNotes

__all__ = ["KIND", "CardInputs", "OwnerNotes", "TrainingRunFacts", "build_card_report", "build_model_card"]
