"""BERT models by ONNX Runtime in int8 on the CPU (`engines.int8`): less work for nearly the same answers.

A model is exported and quantised once, into the cache of weights; from then on neither torch nor transformers is
loaded for it. Weights are int8 with a scale for each output channel, activations are quantised as they come.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices
from bot.errors import MissingExtra
from bot.settings import Settings

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Int8:
    """A session: the model's inputs as `devices.pad` makes them to its outputs, in their order."""

    def __init__(self, file: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as devices.calm_threads has it
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def __call__(self, encodings: Sequence[Any]) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = self._session.run(None, dict(devices.pad(encodings)))
        return outputs


def load(settings: Settings, name: str, outputs: Sequence[str], build: Callable[[], Any]) -> Int8:
    """The model called `name` (which holds its version), made from the torch model of `build()` when it is new here.

    `outputs` name the fields of the torch model's result. Raises MissingExtra when it has to be made without `onnx`.
    """
    file = settings.models / f"int8-{name}.onnx"
    if not file.is_file():
        settings.models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=settings.models) as folder:
            with devices.LOADING:
                _make(build(), tuple(outputs), Path(folder))
            os.replace(Path(folder) / "int8.onnx", file)
    return Int8(file, devices.threads(settings))


def _make(model: Any, outputs: tuple[str, ...], folder: Path) -> None:
    try:
        import onnx  # noqa: F401 - the exporter needs both, and says so less clearly
        import onnxscript  # noqa: F401
    except ImportError:
        raise MissingExtra("onnx", "onnx") from None
    import torch

    class Named(torch.nn.Module):
        """Takes the inputs by position, gives the wanted outputs as a tuple."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> tuple[torch.Tensor, ...]:
            result = self.model(input_ids=ids, attention_mask=mask, token_type_ids=types)
            return tuple(result[name] for name in outputs)

    # Three tensors: the exporter takes one that is given twice for one input.
    ids, mask, types = (torch.full((2, 40), value, dtype=torch.int64) for value in (5, 1, 0))
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    whole, small = folder / "whole.onnx", folder / "int8.onnx"
    with warnings.catch_warnings(), _quiet(), torch.inference_mode(False):
        warnings.simplefilter("ignore")  # of the exporter's own parts
        torch.onnx.export(
            Named().eval(),
            (ids, mask, types),
            whole,
            input_names=list(INPUTS),
            output_names=list(outputs),
            dynamic_shapes=(axes, axes, axes),
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter and the quantiser log advice that is not for our users."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
