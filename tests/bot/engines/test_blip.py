"""BLIP's loader, on a tiny BLIP built from its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.engines.base import Picture
from bot.engines.blip import Blip
from bot.engines.weights import Weights
from bot.errors import EngineUnready, WeightsError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertTokenizerFast, BlipConfig, BlipForConditionalGeneration

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]", *"abcdefghij"]
    made = tmp_path_factory.mktemp("blip")
    tokenizer = BertTokenizerFast(vocab={word: at for at, word in enumerate(words)})
    tokenizer.save_pretrained(made)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    text = {
        **small,
        "vocab_size": len(words),
        "encoder_hidden_size": 16,
        "projection_dim": 8,
        "bos_token_id": 5,
        "eos_token_id": 3,
        "sep_token_id": 3,
        "pad_token_id": 0,
    }
    vision = {**small, "image_size": 32, "patch_size": 8, "projection_dim": 8}
    torch.manual_seed(0)
    model: Any = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=8))
    model.save_pretrained(made)
    return made


def weights_in(folder: Path, make_settings: Any) -> Weights:
    class Elsewhere(Weights):
        def path(self, name: str) -> Path:
            assert name == "caption"
            return folder

    return Elsewhere(make_settings(), {})


async def test_a_tiny_blip_is_loaded_and_says_something(folder: Path, make_settings: Any) -> None:
    engine = Blip(make_settings(device="cpu"), weights_in(folder, make_settings))
    assert not engine.ready()
    with pytest.raises(EngineUnready):
        await engine.caption(Picture(np.zeros((10, 20, 3), np.uint8)))
    await engine.start()
    try:
        pictures = [Picture(np.full((10, 20, 3), shade, np.uint8)) for shade in (0, 200)]
        first = [await engine.caption(picture) for picture in pictures]
        assert [await engine.caption(picture) for picture in pictures] == first
        assert all(isinstance(each.text, str) for each in first)
        assert first[0].text
    finally:
        await engine.close()
    assert not engine.ready()


async def test_a_folder_without_a_model_is_named(tmp_path: Path, make_settings: Any) -> None:
    engine = Blip(make_settings(device="cpu"), weights_in(tmp_path, make_settings))
    with pytest.raises(WeightsError, match=str(tmp_path)):
        await engine.start()


def test_pictures_are_prepared_as_blips_own_processor_does(folder: Path, make_settings: Any) -> None:
    engine = Blip(make_settings(device="cpu"), weights_in(folder, make_settings))
    engine._load()
    prepared = engine._prepared(np.full((50, 20, 3), 255, np.uint8))
    assert prepared.shape == (3, 32, 32)
    assert prepared[:, 0, 0] == pytest.approx([1.9303, 2.0749, 2.1459], abs=1e-3)
