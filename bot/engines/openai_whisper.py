"""Speech to text with openai-whisper, for people who have its checkpoints: weights `openai-whisper`, a `.pt` file."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices, heard
from bot.engines.base import Audio, Transcript
from bot.engines.batcher import Batcher
from bot.engines.heard import Piece
from bot.engines.speech import CODES, PROMPTS, spoken
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings


class OpenAIWhisper:
    """The original implementation. It is given samples, never files, so the `ffmpeg` program is not needed."""

    def __init__(self, settings: Settings, weights: Weights, *, languages: Sequence[str] = ("en", "zh")) -> None:
        self.name = "openai-whisper"
        self._languages = tuple(languages)
        self._settings, self._weights = settings, weights
        self._model: Any = None
        self._batcher: Batcher[Audio, Transcript] = Batcher(
            lambda batch: [self._transcribe(audio) for audio in batch],
            name="openai-whisper",
            max_batch=1,
            queue=settings.engines.queue,
            timeout=settings.engines.timeout_seconds + settings.limits.audio_seconds,
        )

    async def start(self) -> None:
        """Load the checkpoint. Raises WeightsError."""
        if self._model is None:
            folder = self._weights.path("openai-whisper")
            self._model = await asyncio.to_thread(load, folder, devices.pick(self._settings))
        await self._batcher.start()

    async def close(self) -> None:
        """Give back the worker and the model."""
        await self._batcher.close()
        self._model = None

    def ready(self) -> bool:
        """Loaded and not hanging."""
        return self._model is not None and self._batcher.ready()

    async def transcribe(self, audio: Audio) -> Transcript:
        """What was said, with its language; no text for silence, noise and music."""
        return await self._batcher.submit(audio)

    def _transcribe(self, audio: Audio) -> Transcript:
        stretches = heard.voiced(audio.samples)
        if not stretches:
            return Transcript("", None, 0.0, audio.seconds)
        samples = np.concatenate([audio.samples[start:end] for start, end in stretches])
        pieces, language = self._listen(samples)
        said = heard.kept(pieces, len(samples) / heard.RATE)
        if not said:
            return Transcript("", None, 0.0, audio.seconds)
        text = ("" if language in {"zh", "ja"} else " ").join(piece.text.strip() for piece in said)
        return Transcript(text, language, heard.confidence(said), audio.seconds)

    def _listen(self, samples: NDArray[np.float32]) -> tuple[list[Piece], str]:
        import whisper

        language = self._language(samples)
        result = whisper.transcribe(
            self._model,
            samples,
            language=language,
            initial_prompt=PROMPTS.get(language),
            temperature=(0.0, 0.4, 0.8),
            condition_on_previous_text=False,
            fp16=self._model.device.type == "cuda",
        )
        pieces = [
            Piece(s["text"], s["avg_logprob"], s["no_speech_prob"], s["compression_ratio"]) for s in result["segments"]
        ]
        return pieces, CODES.get(language, language)

    def _language(self, samples: NDArray[np.float32]) -> str:
        import whisper

        if not self._model.is_multilingual:
            return "en"
        spectrum = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), self._model.dims.n_mels)
        spectrum = spectrum.to(self._model.device, next(self._model.parameters()).dtype)
        _, found = self._model.detect_language(spectrum)
        return spoken(list(found.items()), self._languages)


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
