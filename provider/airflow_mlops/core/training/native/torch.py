"""PyTorch's networks: the weights as safetensors, which hold numbers and nothing else.

The layers are made by a function of the project's own, which is named beside the weights. PyTorch's own files are
pickles, also with ``weights_only``, so none is written or read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlops.core.errors import BadInput, Refused
from airflow_mlops.core.imports import resolve

if TYPE_CHECKING:
    import numpy as np

BATCH = 8_192


@dataclass(frozen=True, slots=True)
class Network:
    """A network that can be made again.

    :param module: a fitted ``torch.nn.Module``: n x d float32 in; n or n x 1 values out, or n x k logits.
    :param build: the import path of the function that makes it, with other weights.
    :param arguments: the function's keywords, as JSON.
    """

    module: Any
    build: str
    arguments: Mapping[str, Any]


class Torch:
    """PyTorch's networks, as safetensors."""

    file = "model.safetensors"
    package: str | None = "safetensors"
    known_to_mlflow = False

    @staticmethod
    def save(fitted: Network, path: Path, trusted: Sequence[str]) -> dict[str, Any]:
        """Write the weights; gives how the layers are made.

        :raises BadInput: when the function is not trusted, or makes other layers than these.
        """
        from safetensors.torch import save_file

        if not _is_trusted(fitted.build, trusted):
            raise BadInput(
                f"the model is made by a function that is not trusted: {fitted.build}",
                mend=f"name it with trusted_types=['{fitted.build}'] wherever the model is trained, judged or used",
            )
        # Copies: weights that two layers share may stand in the file twice, but not as one piece of memory.
        weights = {name: tensor.detach().clone().contiguous() for name, tensor in fitted.module.state_dict().items()}
        _made(fitted.build, fitted.arguments, weights)
        save_file(weights, str(path))
        return {"build": fitted.build, "arguments": dict(fitted.arguments)}

    @staticmethod
    def load(content: bytes, beside: Mapping[str, Any], trusted: Sequence[str]) -> Network:
        """Make the layers, and give them their weights.

        :raises Refused: when the function that makes them is not trusted.
        :raises BadInput: when it makes other layers than those that were kept.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        if not _is_trusted(beside["build"], trusted):
            raise Refused(
                f"the model is made by a function that is not trusted: {beside['build']}",
                mend="name it with trusted_types=[...] if you know it",
            )
        try:
            weights = load(content)
        except SafetensorError as error:
            raise Refused(f"the weights cannot be read: {error}", mend="restore the files from a backup") from error
        return Network(_made(beside["build"], beside["arguments"], weights), beside["build"], beside["arguments"])

    @staticmethod
    def outputs(fitted: Network, rows: Any, *, chances: bool) -> np.ndarray[Any, Any]:
        """Give n values, or n x k. Logits become chances: one a row by the logistic function, k by softmax."""
        import numpy as np
        import torch

        numbers = torch.from_numpy(np.array(rows, dtype=np.float32))
        with torch.inference_mode():
            found = [_outputs(fitted.module(batch), chances) for batch in numbers.split(BATCH)]
        return np.asarray(torch.cat(found).numpy(), dtype=np.float64)


def _outputs(given: Any, chances: bool) -> Any:
    flat = given.squeeze(-1) if given.ndim == 2 and given.shape[1] == 1 else given
    if not chances:
        return flat.double()
    return flat.double().sigmoid() if flat.ndim == 1 else flat.double().softmax(dim=1)


def _made(build: str | Callable[..., Any], arguments: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
    """Make the layers anew and put the weights in.

    :raises BadInput: when they do not fit.
    """
    module = resolve(build)(**arguments)
    try:
        module.load_state_dict(weights)
    except (RuntimeError, AttributeError) as error:
        raise BadInput(
            f"{build} makes other layers than those of the weights: {str(error)[:300]}",
            mend="give the function's keywords with arguments={...}; after a change of the code, use the version of "
            "the code that the model was trained with",
        ) from error
    return module.eval()


def _is_trusted(build: str, trusted: Sequence[str]) -> bool:
    """Whether a function is among the trusted names, written with a colon or a dot."""
    return build.replace(":", ".") in {name.replace(":", ".") for name in trusted}
