"""Models: formats, artifacts, loading and isolation in a process of its own."""
