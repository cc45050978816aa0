"""Vocabulary that everything shares: errors, references, reports, settings, statistics."""
