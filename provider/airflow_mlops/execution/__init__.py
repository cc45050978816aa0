"""Where a step runs: in process, another Python, Docker."""
