"""What is asked of a library whose models are kept in its own format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np


class Library(Protocol):
    """How a library keeps what it has fitted."""

    file: str
    package: str | None
    """What has to be installed beside the library itself."""
    known_to_mlflow: bool
    """Whether MLflow can read the file as well."""

    @staticmethod
    def save(fitted: Any, path: Path, trusted: Sequence[str]) -> dict[str, Any]:
        """Write it; gives what the file leaves out, as JSON."""

    @staticmethod
    def load(content: bytes, beside: Mapping[str, Any], trusted: Sequence[str]) -> Any:
        """Read it back from the file's content and what was kept beside it."""

    @staticmethod
    def outputs(fitted: Any, rows: Any, *, chances: bool) -> np.ndarray[Any, Any]:
        """Give n values, or n x k: chances where there are classes, else what the model predicts."""


class Boosting(Library, Protocol):
    """A library whose models bring their own layout."""

    @staticmethod
    def fitted(model: Any) -> tuple[Any, list[Any] | None]:
        """Give the booster behind a model, and its classes; ``None`` for a regressor."""


def plain(classes: Any) -> list[Any] | None:
    """Give classes as JSON has them."""
    return None if classes is None else [c.item() if hasattr(c, "item") else c for c in classes]
