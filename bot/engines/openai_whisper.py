"""Speech to text with openai-whisper, for people who have its checkpoints: weights `openai-whisper`, a `.pt` file."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices, heard
from bot.engines.base import Audio, Transcript
from bot.engines.heard import Piece
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings


class OpenAIWhisper:
    """The original implementation. It is given samples, never files, so the `ffmpeg` program is not needed."""

    def __init__(self, settings: Settings, weights: Weights, *, languages: Sequence[str] = ("en", "zh")) -> None:
        self.name = "openai-whisper"
        self._languages = tuple(languages)
        self._settings, self._weights = settings, weights
        self._held = heard.loaded(self._load, self._listen, name=self.name, settings=settings)
        self.start, self.close = self._held.start, self._held.close
        self.ready, self.figures = self._held.ready, self._held.figures

    async def transcribe(self, audio: Audio) -> Transcript:
        """What was said, with its language; no text for silence, noise and music."""
        return await self._held.submit(audio)

    def _load(self) -> Any:
        devices.calm_threads()
        return load(self._weights.path("openai-whisper"), devices.pick(self._settings))

    def _listen(self, model: Any, samples: NDArray[np.float32]) -> tuple[list[Piece], str]:
        import whisper

        language = self._language(model, samples)
        result = whisper.transcribe(
            model,
            samples,
            language=language,
            initial_prompt=heard.PROMPTS.get(language),
            temperature=(0.0, 0.4, 0.8),
            condition_on_previous_text=False,
            fp16=model.device.type == "cuda",
        )
        pieces = [
            Piece(s["text"], s["avg_logprob"], s["no_speech_prob"], s["compression_ratio"]) for s in result["segments"]
        ]
        return pieces, language

    def _language(self, model: Any, samples: NDArray[np.float32]) -> str:
        import whisper

        if not model.is_multilingual:
            return "en"
        spectrum = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), model.dims.n_mels)
        spectrum = spectrum.to(model.device, next(model.parameters()).dtype)
        _, found = model.detect_language(spectrum)
        return heard.spoken(list(found.items()), self._languages)


def load(folder: Path, device: str) -> Any:
    """The model in the one `.pt` file of a folder: `{"dims", "model_state_dict"}`, as openai-whisper writes it.

    Only tensors and plain values are unpickled. Raises WeightsError.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper

    files = sorted(folder.glob("*.pt"))
    if len(files) != 1:
        raise WeightsError(f"{folder} holds {len(files)} .pt files; one Whisper checkpoint is needed")
    try:
        checkpoint = torch.load(files[0], map_location="cpu", weights_only=True)
        model = Whisper(ModelDimensions(**checkpoint["dims"]))
        model.load_state_dict(checkpoint["model_state_dict"])
    except (KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{files[0]} is not a Whisper checkpoint: {error}") from error
    return model.eval().to(device)
