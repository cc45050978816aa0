"""The six steps as Kedro nodes, run in sequence with a catalog in memory: no project, which would cost more."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.pipeline import steps


def main(file: str, folder: str) -> str:
    """Run them; return the decision."""
    from kedro.io import DataCatalog, MemoryDataset
    from kedro.pipeline import node, pipeline
    from kedro.runner import SequentialRunner

    nodes: list[Any] = [
        node(steps.ingest, "file", "raw"),
        node(steps.validate, "raw", "rows"),
        node(steps.split, "rows", ["train_rows", "validation_rows", "test_rows"]),
        node(steps.train, ["train_rows", "validation_rows", "folder"], "uri"),
        node(steps.evaluate, ["test_rows", "uri", "folder"], "figures"),
        node(steps.gate, ["figures", "uri", "folder"], "decision"),
    ]
    catalog = DataCatalog({"file": MemoryDataset(file), "folder": MemoryDataset(folder)})
    given = SequentialRunner().run(pipeline(nodes), catalog)["decision"]
    return str(given.load() if hasattr(given, "load") else given)


if __name__ == "__main__":
    import kedro

    print(json.dumps({"verdict": main(*sys.argv[1:3]), "version": kedro.__version__}))
