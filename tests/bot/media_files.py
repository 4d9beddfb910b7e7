"""Recordings and pictures as customers send them, made on the spot."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests import needs

RATE = 16_000
CJK = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
CONTAINERS = {  # container -> (codec, what it sniffs as)
    "wav": ("pcm_s16le", "audio/wav"),
    "ogg": ("libopus", "audio/ogg"),
    "webm": ("libopus", "audio/webm"),
    "mp3": ("libmp3lame", "audio/mpeg"),
    "mp4": ("aac", "audio/mp4"),
    "flac": ("flac", "audio/flac"),
    "adts": ("aac", "audio/aac"),
}


def tone(seconds: float, frequency: float = 440.0) -> NDArray[np.float32]:
    """A sine of half the full level."""
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def recording(samples: NDArray[np.float32], container: str = "wav", rate: int = RATE) -> bytes:
    """The samples in a container, encoded by PyAV."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        coded = 48_000 if CONTAINERS[container][0] == "libopus" else rate
        stream: Any = out.add_stream(CONTAINERS[container][0], rate=coded)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None, :], format="s16", layout="mono")
        frame.rate = rate
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=coded, frame_size=stream.frame_size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def video() -> bytes:
    """A second of video in an MP4 container."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def say(text: str, voice: str = "en-gb", speed: int = 140) -> bytes:
    """espeak-ng speaks it: a WAV."""
    program = needs.program("espeak-ng")
    done = subprocess.run([program, "-v", voice, "-s", str(speed), "--stdout", text], capture_output=True, check=True)
    return done.stdout


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "blue")
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1]))
    return encoded(image, kind, **options)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A Pillow image as a file."""
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chinese_font() -> str:
    """A font with Chinese characters."""
    return CJK if Path(CJK).is_file() else needs.missing("a font with Chinese characters (fonts-noto-cjk)")


def screenshot(*lines: str, font: str | None = None) -> NDArray[np.uint8]:
    """Lines of text on a light background, 900 x 420, in the font that Pillow brings unless another is named."""
    image = Image.new("RGB", (900, 420), "#e8eef2")
    draw = ImageDraw.Draw(image)
    letters = ImageFont.truetype(font, 36) if font else ImageFont.load_default(36)
    for number, line in enumerate(lines):
        draw.text((40, 40 + 70 * number), line, fill="#102030", font=letters)
    return np.array(image, dtype=np.uint8)
