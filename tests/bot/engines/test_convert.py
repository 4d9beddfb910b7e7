"""GGUF to safetensors, on a tiny Llama: the same numbers, with our own progress and no other noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.engines.convert import gguf_to_safetensors

WIDTH, HIDDEN, WORDS = 32, 64, ["<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz", "Ġ", "in", "th", "the"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One layer, two heads, weights in 8 bits."""
    import gguf

    path = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(WORDS)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(WORDS))
    writer.add_token_merges(["i n", "t h", "th e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    chance = np.random.default_rng(0)
    shapes = {
        "token_embd": (len(WORDS), WIDTH),
        "output": (len(WORDS), WIDTH),
        **{f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (HIDDEN, WIDTH),
        "blk.0.ffn_up": (HIDDEN, WIDTH),
        "blk.0.ffn_down": (WIDTH, HIDDEN),
    }
    for name, shape in shapes.items():
        made = gguf.quants.quantize(chance.normal(size=shape).astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(f"{name}.weight", made, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_quantised_model_is_written_as_transformers_loads_it(
    file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    seen: list[tuple[int, int]] = []
    folder = tmp_path / "converted"
    gguf_to_safetensors(file, folder, lambda done, total: seen.append((done, total)))
    assert capfd.readouterr() == ("", "")
    assert seen == [(done, 12) for done in range(1, 13)]

    ours: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    theirs: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    assert ours.dtype == torch.float16
    assert not hasattr(ours.config, "quantization_config")
    ids = torch.tensor([AutoTokenizer.from_pretrained(folder).encode("in the")])
    with torch.inference_mode():
        expected = theirs(input_ids=ids).logits
        assert torch.allclose(ours.float()(input_ids=ids).logits, expected, atol=0.05)


def test_the_converted_files_may_be_read_by_whoever_may_read_the_source(file: Path, tmp_path: Path) -> None:
    file.chmod(0o644)
    gguf_to_safetensors(file, tmp_path / "converted", lambda done, total: None)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "converted").iterdir()} == {0o644}
