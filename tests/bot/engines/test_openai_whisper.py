"""openai-whisper's loader, on a tiny checkpoint built from its dimensions."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.decode import decode_audio
from bot.engines.base import Audio
from bot.engines.openai_whisper import OpenAIWhisper, load
from bot.engines.weights import Weights
from bot.errors import WeightsError
from tests.bot import media_files as files

DIMENSIONS = {
    "n_mels": 80,
    "n_audio_ctx": 1500,
    "n_audio_state": 16,
    "n_audio_head": 2,
    "n_audio_layer": 1,
    "n_vocab": 51865,
    "n_text_ctx": 448,
    "n_text_state": 16,
    "n_text_head": 2,
    "n_text_layer": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    made = tmp_path_factory.mktemp("whisper")
    model = Whisper(ModelDimensions(**DIMENSIONS))
    for parameter in model.parameters():  # some are left as the memory was
        torch.nn.init.normal_(parameter, std=0.02)
    torch.save({"dims": DIMENSIONS, "model_state_dict": model.state_dict()}, made / "tiny.pt")
    return made


def engine_on(folder: Path, make_settings: Any, **others: Any) -> OpenAIWhisper:
    class Elsewhere(Weights):
        def path(self, name: str) -> Path:
            assert name == "openai-whisper"
            return folder

    return OpenAIWhisper(make_settings(device="cpu"), Elsewhere(make_settings(), {}), **others)


async def test_a_tiny_whisper_is_loaded_and_hears_nothing_in_silence(folder: Path, make_settings: Any) -> None:
    engine = engine_on(folder, make_settings)
    await engine.start()
    try:
        assert engine.ready()
        assert (await engine.transcribe(Audio(np.zeros(16_000, np.float32)))).text == ""
    finally:
        await engine.close()
    assert not engine.ready()


@pytest.mark.filterwarnings(
    "ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # its tokenizer's
async def test_what_a_model_with_random_weights_writes_is_not_believed(folder: Path, make_settings: Any) -> None:
    engine = engine_on(folder, make_settings)
    await engine.start()
    try:
        found = await engine.transcribe(decode_audio(files.say("Where is my parcel?"), 60))
        assert (found.text, found.language) == ("", None)
        assert found.seconds > 0.5
    finally:
        await engine.close()


@pytest.mark.parametrize(("languages", "hears"), [(("de", "nl"), {"de", "nl"}), (("zh",), {"zh", "yue"})])
async def test_what_it_is_not_sure_of_is_one_of_the_bots_languages(
    folder: Path, make_settings: Any, languages: tuple[str, ...], hears: set[str]
) -> None:
    engine = engine_on(folder, make_settings, languages=languages)
    model = load(folder, "cpu")
    assert engine._language(model, decode_audio(files.say("Where is my parcel?"), 60).samples) in hears


def test_a_folder_with_no_or_two_checkpoints_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"0 \.pt files"):
        load(tmp_path, "cpu")


@pytest.mark.parametrize("content", [{"dims": {}}, {"dims": {"n_mels": 80}, "model_state_dict": {}}, {}])
def test_something_else_in_the_file_is_named(tmp_path: Path, content: dict[str, Any]) -> None:
    import torch

    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(WeightsError, match=r"odd\.pt is not a Whisper checkpoint"):
        load(tmp_path, "cpu")


def test_a_checkpoint_that_carries_code_is_not_run(tmp_path: Path) -> None:
    class Code:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    import torch

    torch.save({"dims": Code()}, tmp_path / "evil.pt", pickle_module=pickle)
    with pytest.raises(WeightsError):
        load(tmp_path, "cpu")
    assert not (tmp_path / "ran").exists()
