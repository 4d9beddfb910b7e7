"""Bytes that a customer sent -> samples or pixels. What they are is read from the bytes, never from a name or header.

The decoder is told the format that was found, so that a file cannot choose one (a playlist that opens other files, a
format nobody uses). Sizes are checked before anything is unpacked.
"""

from __future__ import annotations

import re
import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot.engines.base import Audio, Picture
from bot.errors import Damaged, Rejected, TooLarge, Unsupported

if TYPE_CHECKING:
    from PIL.Image import Image

RATE = 16_000
LONGEST_SIDE = 2_560  # pixels; more says nothing more to the engines
PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/heic": "HEIF"}
SOUNDS = {
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/webm": "matroska",
    "audio/mp4": "mov",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/amr": "amr",
}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_VIDEO_TRACKS = re.compile(rb"V_(VP8|VP9|AV1|MPEG|THEORA|MS/VFW)")
_VIDEO_HANDLER = re.compile(rb"hdlr.{8}vide", re.DOTALL)
_STARTS = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftyp", "audio/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1a\x45\xdf\xa3", "audio/webm"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
)
_OTHERS = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "an archive or office document"),
    (b"PK\x05\x06", "an archive"),
    (b"\x1f\x8b", "an archive"),
    (b"7z\xbc\xaf\x27\x1c", "an archive"),
    (b"Rar!", "an archive"),
    (b"GIF8", "a GIF"),
    (b"BM", "a bitmap"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
)


def sniff(data: bytes) -> str:
    """The media type of what the bytes are: a key of PICTURES or SOUNDS.

    Raises Damaged for no bytes at all, and Unsupported for everything else, with a word for what it is.
    """
    if not data:
        raise Damaged("the file is empty")
    head = data[:64]
    for at, start, media_type in _STARTS:
        if head[at : at + len(start)] == start:
            return _checked(media_type, data)
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _sniff_mpeg(head)
    raise Unsupported(f"this is {_name(data)}, neither a picture nor a recording that can be opened")


def _checked(media_type: str, data: bytes) -> str:
    """The containers that may hold a video too are looked into."""
    video = {
        "audio/ogg": b"\x80theora" in data[:4096],
        "audio/webm": _VIDEO_TRACKS.search(data[:65536]) is not None,
    }
    if media_type == "audio/mp4":
        return _sniff_mp4(data)
    return _unless(media_type, video.get(media_type, False))


def _sniff_mp4(data: bytes) -> str:
    """An ISO base media file: HEIC, audio, or a video. The brand alone does not tell the last two apart."""
    if data[8:12] in _HEIC:
        return "image/heic"
    if data[8:12] in {b"avif", b"avis"}:
        raise Unsupported("this is an AVIF picture, which cannot be opened")
    return _unless("audio/mp4", _VIDEO_HANDLER.search(data) is not None)


def _sniff_mpeg(head: bytes) -> str:
    layer, bitrate, rate = (head[1] >> 1) & 3, head[2] >> 4, (head[2] >> 2) & 3
    if layer == 0 and head[1] & 0xF0 == 0xF0:
        return "audio/aac"
    if layer == 0 or bitrate == 15 or rate == 3:
        raise Unsupported("this is neither a picture nor a recording that can be opened")
    return "audio/mpeg"


def _unless(media_type: str, video: bool) -> str:
    if video:
        raise Unsupported("this is a video, which cannot be opened")
    return media_type


def _name(data: bytes) -> str:
    for start, what in _OTHERS:
        if data.startswith(start):
            return what
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return "text" if b"\x00" not in text and not any(byte < 9 for byte in text) else "a file of another kind"


def decode_audio(data: bytes, limit_seconds: float) -> Audio:
    """The first `limit_seconds` of a recording as mono at 16 kHz. What can be heard before a broken place is kept.

    Raises Unsupported for what is no recording, Damaged for one that cannot be decoded at all.
    """
    media_type = sniff(data)
    if media_type not in SOUNDS:
        raise Unsupported(f"this is a picture ({media_type}), not a recording")
    limit = int(limit_seconds * RATE)
    samples = np.concatenate([np.zeros(0, np.float32), *_frames(data, SOUNDS[media_type], limit)])
    clean = np.clip(np.nan_to_num(samples), -1.0, 1.0).astype(np.float32)
    return Audio(clean[:limit], truncated=len(clean) > limit)


def _frames(data: bytes, container: str, limit: int) -> list[NDArray[np.float32]]:
    """Decoded stretches, until there are more than `limit` samples, nothing more, or something broken."""
    import av

    found: list[NDArray[np.float32]] = []
    known = length = 0
    try:
        with av.open(BytesIO(data), mode="r", format=container, metadata_errors="ignore") as file:
            if not file.streams.audio:
                raise Damaged("there is no sound in this recording")
            resampler, made_for = None, None
            for frame in file.decode(file.streams.audio[0]):
                kind = (frame.format.name, frame.layout.name, frame.sample_rate)
                if kind != made_for or resampler is None:  # they may change on the way
                    found += _rest(resampler)
                    resampler, made_for = _resampler(frame.sample_rate), kind
                frame.pts = None  # gaps in the times of a broken-off stream are of no interest
                found += [each.to_ndarray()[0] for each in resampler.resample(frame)]
                length += sum(len(each) for each in found[known:])
                known = len(found)
                if length > limit:
                    return found
            found += _rest(resampler)
    except av.error.FFmpegError as error:
        if not length:
            raise Damaged(f"the recording cannot be decoded: {error.strerror}") from None
    return found


def _resampler(rate: int) -> Any:
    import av

    if not 4_000 <= rate <= 384_000:  # a second of sound from each sample would fill the memory
        raise Damaged(f"a recording with {rate} samples a second cannot be opened")
    return av.AudioResampler(format="flt", layout="mono", rate=RATE)


def _rest(resampler: Any) -> list[NDArray[np.float32]]:
    """What a resampler still holds."""
    return [] if resampler is None else [each.to_ndarray()[0] for each in resampler.resample(None)]


def decode_picture(data: bytes, max_pixels: int) -> Picture:
    """The picture upright in RGB, on white where it is transparent, its longest side at most LONGEST_SIDE.

    Raises Unsupported for what is no picture, TooLarge for more than `max_pixels` (before it is unpacked), Damaged.
    """
    from PIL import Image, ImageOps

    media_type = sniff(data)
    if media_type not in PICTURES:
        raise Unsupported(f"this is a recording ({media_type}), not a picture")
    if media_type == "image/heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    try:
        with Image.open(BytesIO(data), formats=(PICTURES[media_type],)) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise TooLarge(f"a picture of {width} x {height} pixels is too large: at most {max_pixels:,} in all")
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is unpacked no larger than needed
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return Picture(np.array(_on_white(upright), dtype=np.uint8))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooLarge(f"the picture is too large: at most {max_pixels:,} pixels in all") from None
    except Rejected:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error) as error:
        # Whatever a decoder stumbles over in bytes from outside.
        raise Damaged(f"the picture cannot be decoded: {error}") from None


def _on_white(image: Image) -> Image:
    """RGB without transparency. 16-bit grey is scaled down, which Pillow's own conversion would clip."""
    from PIL.Image import alpha_composite, fromarray, new

    if image.mode.startswith("I"):
        grey = np.asarray(image, dtype=np.float32)
        return fromarray(np.clip(grey / 257.0, 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        return alpha_composite(new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
