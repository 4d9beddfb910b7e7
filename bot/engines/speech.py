"""Speech to text with faster-whisper (CTranslate2): int8 on a CPU, half precision on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices, heard
from bot.engines.base import Audio, Transcript
from bot.engines.heard import Piece
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings


class FasterWhisper:
    """Whisper base, multilingual. Recordings are worked off one by one: CTranslate2 uses all cores for one.

    `languages` are the ones that the bot speaks: a recording is heard as the likeliest of them (`heard.spoken`).
    """

    def __init__(self, settings: Settings, weights: Weights, *, languages: Sequence[str] = ("en", "zh")) -> None:
        self.name = "faster-whisper"
        self._languages = tuple(languages)
        self._settings, self._weights = settings, weights
        self._held = heard.loaded(self._load, self._listen, name="speech", settings=settings)
        self.start, self.close = self._held.start, self._held.close
        self.ready, self.figures = self._held.ready, self._held.figures

    async def transcribe(self, audio: Audio) -> Transcript:
        """What was said, with its language; no text for silence, noise and music."""
        return await self._held.submit(audio)

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

    def _listen(self, model: Any, samples: NDArray[np.float32]) -> tuple[list[Piece], str]:
        options: dict[str, Any] = {
            "beam_size": 5,
            "temperature": [0.0, 0.4, 0.8],  # another try where the first one stutters or is improbable
            "max_new_tokens": 20 + int(12 * min(len(samples) / heard.RATE, 30.0)),  # nobody says more in the time
            "condition_on_previous_text": False,  # one invented sentence would bring on the next
            "without_timestamps": True,
            "vad_filter": False,  # already done
        }
        found, info = model.transcribe(samples, **options)
        # A model that knows English only has no probabilities of others.
        language = heard.spoken(info.all_language_probs or [(info.language, 1.0)], self._languages)
        if language in heard.PROMPTS or language != info.language:  # nothing was decoded yet: `found` is lazy
            prompt = heard.PROMPTS.get(language)
            found, _ = model.transcribe(samples, language=language, initial_prompt=prompt, **options)
        pieces = [Piece(s.text, s.avg_logprob, s.no_speech_prob, s.compression_ratio) for s in found]
        return pieces, language


def on(settings: Settings) -> str:
    """ "cuda" or "cpu", as the setting `device` asks and CTranslate2 finds."""
    import ctranslate2

    if settings.device == "cpu":
        return "cpu"
    return "cuda" if settings.device == "cuda" or ctranslate2.get_cuda_device_count() else "cpu"
