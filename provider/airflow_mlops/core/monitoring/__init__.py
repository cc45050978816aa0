"""Scoring, performance when labels arrive, and drift episodes."""
