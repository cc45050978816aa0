"""PyTorch networks, with weights stored as safetensors, which contain only numbers.

The layers are built by a project function, whose import path is stored with the weights. PyTorch's own files are
pickles, even with ``weights_only``, so they are neither written nor read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlops.common.errors import BadInput, Refused
from airflow_mlops.common.imports import resolve_callable
from airflow_mlops.core.models.native.model_format import is_trusted

if TYPE_CHECKING:
    import numpy as np

BATCH_SIZE = 8_192
WEIGHTS_FILE, LAYERS_FILE = "model.safetensors", "layers.json"


@dataclass(frozen=True, slots=True)
class TorchNetwork:
    """A network with the function that rebuilds its layers.

    :param module: a fitted ``torch.nn.Module``: n x d float32 in; n or n x 1 values out, or n x k logits.
    :param build: the import path of the function that builds the layers.
    :param arguments: the function's keywords, JSON-serialisable.
    :param logits: whether the outputs are logits, which become probabilities.
    """

    module: Any
    build: str
    arguments: Mapping[str, Any]
    logits: bool = False


class TorchFormat:
    """The safetensors format."""

    packages: Sequence[str] = ("torch", "safetensors")

    def recognises(self, model: Any) -> bool:
        """Return whether it is a network with the function that rebuilds its layers."""
        return isinstance(model, TorchNetwork)

    def classes(self, model: TorchNetwork) -> list[Any] | None:
        """Return the default classes; :func:`wrap_network` takes their names."""
        return [0, 1] if model.logits else None

    def save(self, model: TorchNetwork, trusted: Sequence[str]) -> dict[str, bytes]:
        """Return the weights, and how the layers are built.

        :raises BadInput: when the build function is not trusted, or builds different layers.
        """
        from safetensors.torch import save

        if not is_trusted(model.build, trusted):
            raise BadInput(
                f"the model's build function is not trusted: {model.build}",
                hint=f"add trusted_types=['{model.build}'] wherever the model is trained, evaluated or used",
            )
        # Copies, because safetensors rejects tensors that share memory.
        weights = {name: tensor.detach().clone().contiguous() for name, tensor in model.module.state_dict().items()}
        _build_module(model.build, model.arguments, weights)
        layers = {"build": model.build, "arguments": dict(model.arguments), "logits": model.logits}
        return {WEIGHTS_FILE: save(weights), LAYERS_FILE: json.dumps(layers, indent=1).encode()}

    def load(self, files: Mapping[str, bytes], trusted: Sequence[str]) -> TorchNetwork:
        """Build the layers and load their weights.

        :raises Refused: when the build function is not trusted.
        :raises BadInput: when it builds layers that do not match the weights.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        layers = json.loads(files[LAYERS_FILE])
        build, arguments = layers["build"], layers["arguments"]
        if not is_trusted(build, trusted):
            raise Refused(
                f"the model's build function is not trusted: {build}",
                hint="add it to trusted_types=[...] if you trust it",
            )
        try:
            weights = load(files[WEIGHTS_FILE])
        except SafetensorError as error:
            raise Refused(f"cannot read the weights: {error}", hint="restore the files from a backup") from error
        return TorchNetwork(_build_module(build, arguments, weights), build, arguments, layers["logits"])

    def predict(self, model: TorchNetwork, rows: Any) -> np.ndarray[Any, Any]:
        """Return n values, or n x k. Logits become probabilities by the logistic function or softmax."""
        import numpy as np
        import torch

        numbers = torch.from_numpy(np.array(rows, dtype=np.float32))
        with torch.inference_mode():
            outputs = [_to_outputs(model.module(batch), model.logits) for batch in numbers.split(BATCH_SIZE)]
        return np.asarray(torch.cat(outputs).numpy(), dtype=np.float64)


def _to_outputs(values: Any, as_probabilities: bool) -> Any:
    flat = values.squeeze(-1) if values.ndim == 2 and values.shape[1] == 1 else values
    if not as_probabilities:
        return flat.double()
    return flat.double().sigmoid() if flat.ndim == 1 else flat.double().softmax(dim=1)


def _build_module(build: str | Callable[..., Any], arguments: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
    """Build the layers and load the weights.

    :raises BadInput: when the weights do not fit the layers.
    """
    module = resolve_callable(build)(**arguments)
    try:
        module.load_state_dict(weights)
    except (RuntimeError, AttributeError) as error:
        raise BadInput(
            f"{build} builds layers that do not match the weights: {str(error)[:300]}",
            hint="pass the function's keywords as arguments={...}; after a code change, use the version of "
            "the code that the model was trained with",
        ) from error
    return module.eval()
