"""Retraining: drift episodes, their state machine, plans and candidates."""
