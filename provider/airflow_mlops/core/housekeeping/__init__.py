"""Cleanup of orphaned runs, versions and files, and retention of versions' files."""
