"""What a picture shows without a captioning model: the words on it and the objects in it.

Words: RapidOCR with the PP-OCR models that lie in its package (English and Chinese; nothing is fetched). Objects:
EfficientNet-Lite0 on ImageNet's classes (Tan & Le 2019), preprocessed as its TensorFlow original asks.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices
from bot.engines.base import Caption, Picture
from bot.engines.imagenet import LABELS
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights
from bot.errors import EngineError, EngineUnready, WeightsError
from bot.settings import Settings

SIDE = 224  # pixels
LIKELY = 0.35
LIKELY_BESIDE_TEXT = 0.6
"""A screenshot is always a little like a "web site" or a "menu": beside words an object must be clear."""
SCREENS = {"web site", "menu", "screen", "monitor", "television", "book jacket", "comic book", "crossword puzzle"}
MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}


class ScreenAndObjects:
    """The default captioner."""

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.name = "screen-and-objects"
        self._settings, self._weights = settings, weights
        self._device = "cpu"
        self._held: Loaded[tuple[Any, Any], Picture, Caption] = Loaded(
            self._load, self._look, name="caption", settings=settings, max_batch=8
        )
        self.start, self.close = self._held.start, self._held.close
        self.ready, self.figures = self._held.ready, self._held.figures

    async def caption(self, picture: Picture) -> Caption:
        """The words on the picture in reading order, and the objects that are likely in it."""
        return await self._held.submit(picture)

    def _load(self) -> tuple[Any, Any]:
        """RapidOCR with its models, and the weights `objects`."""
        objects = self._load_objects()
        return self._load_ocr(), objects

    def _load_ocr(self) -> Any:
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise EngineUnready("rapidocr is not installed: pip install rapidocr") from None
        folder = resources.files("rapidocr") / "models"
        params: dict[str, Any] = {key: str(folder / name) for key, name in MODELS.items()}
        missing = [path for path in params.values() if not os.path.isfile(path)]
        if missing:
            raise WeightsError(
                f"the installed rapidocr lacks {', '.join(missing)}. Run: pip install 'rapidocr>=3.10,<4'"
            )
        threads = devices.threads(self._settings)
        quiet = {"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": threads}
        engine = RapidOCR(params={**params, **quiet})
        engine(np.full((64, 64, 3), 255, np.uint8))  # its models are loaded at the first call
        return engine

    def _load_objects(self) -> Any:
        devices.calm_threads()
        import torch
        from efficientnet_lite_pytorch import EfficientNet

        file = next(iter(sorted(self._weights.path("objects").glob("*.pth"))), None)
        if file is None:
            raise WeightsError("weights 'objects' hold no .pth file. Run: frontdesk models pull objects")
        self._device = devices.pick(self._settings)
        model = EfficientNet.from_name("efficientnet-lite0")
        try:
            model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        except RuntimeError as error:
            raise WeightsError(f"{file} is not an EfficientNet-Lite0: {error}") from error
        return model.eval().to(self._device)

    # -- in the batcher's thread ---------------------------------------------------------------------------------------

    def _look(self, models: tuple[Any, Any], pictures: list[Picture]) -> list[Caption]:
        ocr, objects = models
        seen = self._recognise(objects, pictures)
        return [compose(_read(ocr, picture), classes) for picture, classes in zip(pictures, seen, strict=True)]

    def _recognise(self, objects: Any, pictures: Sequence[Picture]) -> list[list[tuple[str, float]]]:
        """The three likeliest classes of each picture."""
        import torch

        batch = torch.from_numpy(np.stack([_squared(picture.pixels) for picture in pictures])).to(self._device)
        with torch.inference_mode():
            chances = torch.softmax(objects(batch).float(), dim=1).cpu()
        best = torch.topk(chances, 3)
        if not bool(torch.isfinite(chances).all()):
            raise EngineError("the object model gave no numbers")
        rows = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [[(LABELS[at], float(value)) for at, value in zip(*row, strict=True)] for row in rows]


def _read(ocr: Any, picture: Picture) -> str:
    """The words on one picture, a line each."""
    found = ocr(np.ascontiguousarray(framed(picture.pixels)[:, :, ::-1]))  # BGR, as OpenCV has it
    if found.txts is None or found.boxes is None:
        return ""
    return in_lines(found.boxes, found.txts)


def _squared(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[3, SIDE, SIDE]: the middle of the picture, as the lite models were trained (mean 127, scale 128)."""
    from PIL import Image

    image = Image.fromarray(pixels)
    side = max(1, round(min(image.size) * SIDE / (SIDE + 32)))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    cut = image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return ((np.asarray(cut, dtype=np.float32) - 127.0) / 128.0).transpose(2, 0, 1)


def framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture on white, at most four times as long as wide: the detector enlarges the short side, and a strip of a
    few pixels would become too large for any machine.
    """
    height, width = pixels.shape[:2]
    least = max(32, -(-max(height, width) // 4))
    if min(height, width) >= least:
        return pixels
    frame = np.full((max(height, least), max(width, least), 3), 255, np.uint8)
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    frame[top : top + height, left : left + width] = pixels
    return frame


def in_lines(boxes: NDArray[np.float32], texts: Sequence[str]) -> str:
    """The pieces in reading order: those on one height are one line. Boxes are [pieces, 4 corners, x and y]."""
    rows: list[tuple[float, float, list[tuple[float, str]]]] = []
    for box, text in sorted(zip(np.asarray(boxes), texts, strict=True), key=lambda each: float(each[0][:, 1].mean())):
        middle, height, left = float(box[:, 1].mean()), float(np.ptp(box[:, 1])), float(box[:, 0].min())
        if rows and abs(middle - rows[-1][0]) < 0.5 * min(height, rows[-1][1]):
            rows[-1][2].append((left, text.strip()))
        else:
            rows.append((middle, height, [(left, text.strip())]))
    return "\n".join(" ".join(text for _, text in sorted(pieces)) for _, _, pieces in rows)


def compose(screen_text: str, objects: Sequence[tuple[str, float]]) -> Caption:
    """The caption: the objects that are likely enough, and the words as they stand."""
    wordy = len(screen_text.replace(" ", "")) >= 8
    least = LIKELY_BESIDE_TEXT if wordy else LIKELY
    likely = tuple((name, chance) for name, chance in objects if chance >= least and not (wordy and name in SCREENS))
    parts = [" or ".join(name for name, _ in likely)] if likely else []
    if screen_text:
        parts.append("“" + " · ".join(screen_text.splitlines()) + "”")
    return Caption(": ".join(parts), screen_text, likely)
