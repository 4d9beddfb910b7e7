from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from bot.decode import LONGEST_SIDE, PICTURES, SOUNDS, decode_audio, decode_picture, sniff
from bot.errors import Damaged, Rejected, TooLarge, Unsupported
from tests.bot import media_files as files

PIXELS = 40_000_000


@pytest.mark.parametrize("container", files.CONTAINERS)
def test_every_kind_of_recording_is_known_and_heard(container: str) -> None:
    data = files.recording(files.tone(2.0), container)
    assert sniff(data) == files.CONTAINERS[container][1]
    audio = decode_audio(data, 60)
    assert audio.seconds == pytest.approx(2.0, abs=0.15)
    assert audio.samples.dtype == np.float32
    assert not audio.truncated
    spectrum = np.abs(np.fft.rfft(audio.samples))
    assert np.argmax(spectrum) / audio.seconds == pytest.approx(440, abs=3)


def test_other_rates_become_sixteen_thousand() -> None:
    samples = (0.5 * np.sin(2 * np.pi * 440 * np.arange(88_200) / 44_100)).astype(np.float32)
    audio = decode_audio(files.recording(samples, "wav", rate=44_100), 60)
    assert audio.seconds == pytest.approx(2.0, abs=0.01)


def test_a_long_recording_is_cut_at_the_limit() -> None:
    audio = decode_audio(files.recording(files.tone(5.0)), 3.0)
    assert audio.truncated
    assert audio.seconds == 3.0
    assert not decode_audio(files.recording(files.tone(3.0)), 3.0).truncated


@pytest.mark.parametrize("container", ["wav", "ogg", "mp3"])
def test_what_comes_before_the_break_of_a_broken_off_recording_is_heard(container: str) -> None:
    data = files.recording(files.tone(4.0), container)
    audio = decode_audio(data[: len(data) // 2], 60)
    assert 1.0 < audio.seconds < 3.0


def test_a_recording_whose_rate_changes_on_the_way_is_heard_to_the_end() -> None:
    faster = files.recording(files.tone(1.0), "adts", rate=44_100)
    audio = decode_audio(files.recording(files.tone(1.0), "adts") + faster, 60)
    assert audio.seconds == pytest.approx(1.0 + 16_000 / 44_100, abs=0.25)


def test_a_wav_that_is_only_a_header_has_no_sound_in_it() -> None:
    data = files.recording(files.tone(1.0))[:44]
    with contextlib.suppress(Damaged):
        assert len(decode_audio(data, 60).samples) == 0


@pytest.mark.parametrize("container", ["mp4", "webm", "flac"])
def test_a_recording_without_its_essential_part_is_damaged(container: str) -> None:
    with pytest.raises(Damaged):
        decode_audio(files.recording(files.tone(1.0), container)[:40], 60)


def test_a_wav_with_one_sample_a_second_does_not_fill_the_memory() -> None:
    data = bytearray(files.recording(files.tone(1.0)))
    at = data.index(b"fmt ") + 12
    data[at : at + 4] = struct.pack("<I", 1)
    with pytest.raises(Damaged, match="samples a second"):
        decode_audio(bytes(data), 60)


def test_samples_that_are_no_numbers_become_silence() -> None:
    samples = np.full(16_000, np.nan, np.float32)
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 64_036, b"WAVE", b"fmt ", 16, 3, 1, 16_000, 64_000, 4, 32, b"data", 64_000
    )
    assert not decode_audio(head + samples.tobytes(), 60).samples.any()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_kind_of_picture_is_known_and_seen(kind: str) -> None:
    data = files.picture(kind)
    assert PICTURES[sniff(data)] == kind
    pixels = decode_picture(data, PIXELS).pixels
    assert pixels.shape == (40, 60, 3)
    assert pixels[20, 10, 0] > 200 > 60 > pixels[20, 10, 2]
    assert pixels[20, 50, 2] > 200 > 60 > pixels[20, 50, 0]


def test_a_picture_taken_upright_is_seen_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    pixels = decode_picture(files.picture("JPEG", exif=exif), PIXELS).pixels
    assert pixels.shape == (60, 40, 3)
    assert pixels[10, 20, 0] > 200  # red, once on the left, is on top


def test_transparency_is_white_and_sixteen_bits_are_scaled() -> None:
    clear = files.encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert (decode_picture(clear, PIXELS).pixels == 255).all()
    grey = files.encoded(Image.fromarray(np.full((8, 8), 32_896, np.uint16)))
    assert (decode_picture(grey, PIXELS).pixels == 128).all()
    palette = files.encoded(Image.new("P", (8, 8), 0))
    assert decode_picture(palette, PIXELS).pixels.shape == (8, 8, 3)


def test_a_large_picture_is_made_smaller() -> None:
    assert max(decode_picture(files.picture("JPEG", (5000, 100)), PIXELS).pixels.shape) == LONGEST_SIDE


def bomb(side: int) -> bytes:
    """A PNG that says it is side x side pixels, a few hundred bytes long."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_000, 10_000, 20_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    with pytest.raises(TooLarge, match="too large"):
        decode_picture(bomb(side), PIXELS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_picture_that_is_broken_off_is_damaged(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = files.encoded(noise, kind)
    with pytest.raises(Damaged):
        decode_picture(data[: len(data) // 2], PIXELS)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 10_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"%PDF-1.7\n", "PDF"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
        (b"GIF89a", "GIF"),
        (b"\x00\x01\x02\x03", "another kind"),
        (b"MZ\x90\x00", "program"),
    ],
)
def test_what_cannot_be_opened_is_called_by_its_name(data: bytes, what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        sniff(data)


def test_a_zip_bomb_a_video_and_nothing_are_refused_unread() -> None:
    with pytest.raises(Unsupported, match="archive"):
        sniff(zipped())
    with pytest.raises(Unsupported, match="video"):
        sniff(files.video())
    with pytest.raises(Damaged, match="empty"):
        sniff(b"")


def test_a_picture_is_no_recording_and_the_other_way_round() -> None:
    with pytest.raises(Unsupported):
        decode_audio(files.picture(), 60)
    with pytest.raises(Unsupported):
        decode_picture(files.recording(files.tone(0.1)), PIXELS)


STARTS = [
    files.picture("JPEG"),
    files.picture("WEBP"),
    files.picture(),
    files.recording(files.tone(0.2), "mp3"),
    bomb(16),
]


@settings(deadline=None, max_examples=150)
@given(some.sampled_from(STARTS), some.lists(some.tuples(some.integers(0, 2_000), some.integers(0, 255)), max_size=12))
def test_bytes_from_outside_give_a_result_or_a_refusal(data: bytes, changes: list[tuple[int, int]]) -> None:
    broken = bytearray(data)
    for at, value in changes:
        broken[at % len(broken)] = value
    try:
        media_type = sniff(bytes(broken))
        if media_type in SOUNDS:
            decode_audio(bytes(broken), 1)
        else:
            decode_picture(bytes(broken), 1_000_000)
    except Rejected:
        pass
