"""GGUF -> safetensors, once, when weights are pulled: loading a GGUF file de-quantises every tensor at each start."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def gguf_to_safetensors(source: Path, folder: Path) -> None:
    """Write the model of `source` to `folder` as transformers' `from_pretrained` reads it, in float16.

    float16 keeps three more bits of each weight than bfloat16 at the same size. The quantisation is forgotten, since
    the tensors no longer have it (and a model that claims it cannot be saved).
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    place, name = str(source.parent), source.name
    tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=name)
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
