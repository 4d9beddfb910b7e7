"""Captions of photos with BLIP (Li et al. 2022), for those who can fetch its weights from a hub: weights `caption`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices
from bot.engines.base import Caption, Picture
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings

MEAN = (0.48145466, 0.4578275, 0.40821073)  # CLIP's, used where the weights bring no preprocessor_config.json
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
LONGEST = 30  # tokens


class Blip:
    """One sentence about the picture. It does not read the words on it."""

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.name = "blip"
        self._settings, self._weights = settings, weights
        self._tokenizer: Any = None
        self._device = "cpu"
        self._held: Loaded[Any, Picture, Caption] = Loaded(
            self._load, self._describe, name=self.name, settings=settings, max_batch=4
        )
        self.start, self.close = self._held.start, self._held.close
        self.ready, self.figures = self._held.ready, self._held.figures

    async def caption(self, picture: Picture) -> Caption:
        """What the picture shows, in English."""
        return await self._held.submit(picture)

    def _load(self) -> Any:
        folder = self._weights.path("caption")
        devices.calm_threads()
        with devices.LOADING:
            model = self._built(folder)
        file = folder / "preprocessor_config.json"
        preparation = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        self._mean = np.array(preparation.get("image_mean", MEAN), np.float32)
        self._deviation = np.array(preparation.get("image_std", DEVIATION), np.float32)
        self._side = model.config.vision_config.image_size
        self._device = devices.pick(self._settings)
        return model.eval().to(self._device)

    def _built(self, folder: Path) -> Any:
        import torch
        from transformers import AutoTokenizer, BlipForConditionalGeneration

        devices.prepare_torch(self._settings)
        try:
            model: Any = BlipForConditionalGeneration.from_pretrained(
                folder, local_files_only=True, weights_only=True, dtype=torch.float32
            )
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise WeightsError(f"the captioning model in {folder} cannot be loaded: {error}") from error
        return model

    def _describe(self, model: Any, pictures: list[Picture]) -> list[Caption]:
        import torch

        pixels = torch.from_numpy(np.stack([self._prepared(picture.pixels) for picture in pictures]))
        with torch.inference_mode():
            ids = model.generate(
                pixel_values=pixels.to(self._device), max_new_tokens=LONGEST, num_beams=1, do_sample=False
            )
        texts = self._tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [Caption(text.strip()) for text in texts]

    def _prepared(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[3, side, side], as BlipImageProcessor makes it: squeezed to a square, scaled, normalised."""
        from PIL import Image

        image = Image.fromarray(pixels).resize((self._side, self._side), Image.Resampling.BICUBIC)
        scaled = (np.asarray(image, dtype=np.float32) / 255.0 - self._mean) / self._deviation
        return scaled.transpose(2, 0, 1)
