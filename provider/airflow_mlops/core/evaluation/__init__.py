"""Evaluation of a challenger and the champion on the same rows."""
