"""GGUF -> safetensors, once, when weights are pulled: loading a GGUF file de-quantises every tensor at each start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.engines import devices


def gguf_to_safetensors(source: Path, folder: Path, advance: Callable[[int, int], None]) -> None:
    """Write the model of `source` to `folder` as transformers' `from_pretrained` reads it, in float16.

    `advance` is told how many tensors are done, and of how many.

    float16 keeps three more bits of each weight than bfloat16 at the same size. The quantisation is forgotten, since
    the tensors no longer have it (and a model that claims it cannot be saved).
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    devices.quiet()
    place, name = str(source.parent), source.name
    tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=name)
    with _counted(advance):
        model: Any = AutoModelForCausalLM.from_pretrained(place, gguf_file=name, dtype=torch.float32)
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model = model.to(torch.float16)
    model.config.dtype = torch.float16
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for file in folder.iterdir():  # safetensors makes files that only their owner may read; the cache is shared
        file.chmod(source.stat().st_mode & 0o777)


@contextmanager
def _counted(advance: Callable[[int, int], None]) -> Iterator[None]:
    """The bar that transformers draws over a file's tensors, which no setting of it turns off, becomes our calls."""
    from transformers import modeling_gguf_pytorch_utils as reading

    def counted(tensors: Sequence[Any], **_: Any) -> Iterator[Any]:
        for done, tensor in enumerate(tensors, start=1):
            yield tensor
            advance(done, len(tensors))

    bar = reading.tqdm  # type: ignore[attr-defined]
    reading.tqdm = counted  # type: ignore[attr-defined]
    try:
        yield
    finally:
        reading.tqdm = bar  # type: ignore[attr-defined]
