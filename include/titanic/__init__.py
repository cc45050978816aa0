"""Survival model of the Titanic passengers."""
