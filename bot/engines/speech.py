"""Speech to text with faster-whisper (CTranslate2): int8 on a CPU, half precision on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices, heard
from bot.engines.base import Audio, Transcript
from bot.engines.batcher import Batcher
from bot.engines.heard import Piece
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings

PROMPTS = {"zh": "以下是普通话的句子。"}
"""What Whisper is told has been said before: it then writes simplified characters, with punctuation."""
CODES = {"yue": "zh", "jw": "jv"}
"""Whisper's codes that are not ISO 639-1, or that our texts know under another."""


class FasterWhisper:
    """Whisper base, multilingual. Recordings are worked off one by one: CTranslate2 uses all cores for one.

    `languages` are the ones that the bot speaks: short recordings are heard as the likeliest of them.
    """

    def __init__(self, settings: Settings, weights: Weights, *, languages: Sequence[str] = ("en", "zh")) -> None:
        self.name = "faster-whisper"
        self._languages = tuple(languages)
        self._settings, self._weights = settings, weights
        self._model: Any = None
        self._batcher: Batcher[Audio, Transcript] = Batcher(
            lambda batch: [self._transcribe(audio) for audio in batch],
            name="speech",
            max_batch=1,
            queue=settings.engines.queue,
            timeout=settings.engines.timeout_seconds + settings.limits.audio_seconds,
        )

    async def start(self) -> None:
        """Load the weights `speech`. Raises WeightsError."""
        import asyncio

        if self._model is None:
            self._model = await asyncio.to_thread(self._load)
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

    def _load(self) -> Any:
        devices.calm_threads()
        from faster_whisper import WhisperModel

        path = self._weights.path("speech")
        device = on(self._settings)
        try:
            return WhisperModel(
                str(path),
                device=device,
                compute_type="float16" if device == "cuda" else "int8",
                cpu_threads=devices.threads(self._settings),
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise WeightsError(f"the speech model in {path} cannot be loaded: {error}") from error

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
        options: dict[str, Any] = {
            "beam_size": 5,
            "temperature": [0.0, 0.4, 0.8],  # another try where the first one stutters or is improbable
            "max_new_tokens": 20 + int(12 * min(len(samples) / heard.RATE, 30.0)),  # nobody says more in the time
            "condition_on_previous_text": False,  # one invented sentence would bring on the next
            "without_timestamps": True,
            "vad_filter": False,  # already done
        }
        found, info = self._model.transcribe(samples, **options)
        language = spoken(info.all_language_probs, self._languages)
        if language in PROMPTS or language != info.language:  # nothing was decoded yet: `found` is lazy
            prompt = PROMPTS.get(language)
            found, _ = self._model.transcribe(samples, language=language, initial_prompt=prompt, **options)
        pieces = [Piece(s.text, s.avg_logprob, s.no_speech_prob, s.compression_ratio) for s in found]
        return pieces, CODES.get(language, language)


def spoken(probabilities: Sequence[tuple[str, float]], languages: Sequence[str]) -> str:
    """Whisper's code of the language that was spoken: the likeliest of `languages`, unless it is surely another one.

    A short recording with an accent looks like a language nobody here speaks; what is in it then reads as nonsense.
    """
    likeliest, sure = max(probabilities, key=lambda each: each[1])
    ours = [each for each in probabilities if CODES.get(each[0], each[0]) in languages]
    return likeliest if sure > 0.97 or not ours else max(ours, key=lambda each: each[1])[0]


def on(settings: Settings) -> str:
    """ "cuda" or "cpu", as the setting `device` asks and CTranslate2 finds."""
    import ctranslate2

    if settings.device == "cpu":
        return "cpu"
    return "cuda" if settings.device == "cuda" or ctranslate2.get_cuda_device_count() else "cpu"
