"""A team's own package: one extension of each kind, registered in ``pyproject.toml``."""
