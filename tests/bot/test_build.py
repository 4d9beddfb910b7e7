"""A bot from its folder and the settings, with fake engines and everything else real."""

from __future__ import annotations

import io
import logging
import math
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bot.build import Bot, build
from bot.engines.fake import FakeSpeech
from bot.errors import ConfigError, EngineError, SnapshotError, WeightsError
from bot.settings import Settings
from bot.types import Attachment, Message, Outcome
from tests.bot.acme import FAKES, PAGE, QUESTION, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small bot of its own."""
    return write(tmp_path / "acme")


@pytest.fixture
def acme(folder: Path, make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(bot=folder, engines=FAKES)


async def started(settings: Settings) -> Bot:
    bot = await build(settings)
    await bot.start()
    return bot


async def ask(bot: Bot, text: str) -> tuple[Outcome, str]:
    await bot.store.accept(Message(channel="web", sender="ann", text=text), bot="acme", wait=False)
    claim = await bot.store.claim("test", lease_seconds=30)
    assert claim is not None
    result = await bot.turn.handle(claim)
    return result.outcome, result.replies[0].text if result.replies else ""


async def test_a_folder_becomes_a_bot_that_answers_from_its_documents(acme: Settings) -> None:
    bot = await started(acme)
    assert bot.ready()
    assert set(bot.engines_in_use()) == set(FAKES)
    outcome, text = await ask(bot, QUESTION)
    assert outcome is Outcome.ANSWERED
    assert "two working days" in text
    await bot.close()


async def test_a_customer_never_reads_internal_documents(acme: Settings) -> None:
    bot = await started(acme)
    assert bot.index.snapshot.manifest.internal_documents == 1
    _, text = await ask(bot, "From which account is a parcel that is lost refunded?")
    assert "4711" not in text
    await bot.close()


async def test_a_second_start_uses_the_index_that_is_there(acme: Settings) -> None:
    first = await started(acme)
    await first.close()
    again = await started(acme)
    assert again.index.id == first.index.id
    await again.close()


async def test_a_changed_document_is_ingested_at_the_next_start(acme: Settings, folder: Path) -> None:
    first = await started(acme)
    await first.close()
    (folder / "docs/help/delivery.md").write_text(PAGE.replace("two", "five"))
    bot = await started(acme)
    assert bot.index.id != first.index.id
    assert "five working days" in (await ask(bot, QUESTION))[1]
    await bot.close()


async def test_a_damaged_index_is_made_anew(acme: Settings) -> None:
    first = await started(acme)
    await first.close()
    (acme.index / "snapshots" / str(first.index.id) / "passages.jsonl").write_text("broken")
    bot = await started(acme)
    assert bot.ready()
    await bot.close()


async def test_an_index_made_by_another_process_is_swapped_in(acme: Settings, folder: Path) -> None:
    serving = await started(acme)
    (folder / "docs/help/returns.md").write_text("# Returns\n\nThings can be sent back within 30 days.\n")
    other = await started(acme)
    before = serving.index.snapshot
    assert serving.index.reload_if_changed()
    assert serving.index.id == other.index.id
    assert len(before.documents) == 2
    assert len(serving.index.snapshot.documents) == 3
    assert not serving.index.reload_if_changed()
    await serving.close()
    await other.close()


async def test_without_any_index_the_bot_is_not_ready_and_says_how_to_make_one(acme: Settings, folder: Path) -> None:
    (folder / "bot.toml").write_text('name = "Acme"\n')
    bot = await started(acme)
    assert not bot.ready()
    with pytest.raises(SnapshotError, match="frontdesk ingest"):
        _ = bot.index.snapshot
    await bot.close()


async def test_an_engine_that_is_not_needed_may_be_missing(
    acme: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def missing(_: object) -> None:
        raise WeightsError("no weights: frontdesk models pull")

    monkeypatch.setattr("bot.engines.fake.FakeSpeech.start", missing)
    with caplog.at_level(logging.WARNING):
        bot = await started(acme)
    assert "no speech: no weights: frontdesk models pull" in caplog.text
    assert bot.ready()
    assert "speech" not in bot.engines_in_use()
    await bot.close()


async def test_an_engine_that_is_needed_stops_the_start(acme: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise EngineError("it does not load")

    monkeypatch.setattr("bot.engines.fake.FakeReader.start", broken)
    bot = await build(acme)
    with pytest.raises(EngineError, match="it does not load"):
        await bot.start()
    assert not bot.ready()


async def test_the_generator_can_be_turned_off(acme: Settings) -> None:
    bot = await build(acme.model_copy(update={"generator": False}))
    assert bot.engines.generator is None


async def test_speech_is_heard_in_the_languages_that_the_bot_speaks(acme: Settings, folder: Path) -> None:
    file = folder / "bot.toml"
    file.write_text(file.read_text().replace('["en", "zh"]', '["zh", "de"]'))
    bot = await build(acme)
    assert isinstance(bot.engines.speech, FakeSpeech)
    assert bot.engines.speech.languages == ("zh", "de")


async def test_the_audit_trail_names_index_prompts_and_models(acme: Settings) -> None:
    bot = await started(acme)
    await ask(bot, QUESTION)
    conversation = await bot.store.find("web", "default", "ann")
    ended = (await bot.store.events(conversation or ""))[-1]
    assert ended.versions["index"] == bot.index.id
    assert ended.versions["prompts"] == bot.prompts.version
    assert ended.versions["reader"] == "fake-reader"
    await bot.close()


async def test_a_response_that_the_bot_needs_and_has_not_is_named(acme: Settings, folder: Path) -> None:
    file = folder / "domain" / "responses.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("utter_heard:", "utter_herd:"), encoding="utf-8")
    with pytest.raises(ConfigError, match="utter_heard"):
        await build(acme)


async def test_a_voice_and_a_picture_go_through_the_whole_bot(acme: Settings) -> None:
    bot = await started(acme)
    for name, data in (("audio/wav", sound()), ("image/png", picture())):
        blob = await bot.blobs.put(data)
        attachment = Attachment(blob=blob, media_type=name, size=len(data))
        message = Message(channel="web", sender=name, attachments=(attachment,))
        await bot.store.accept(message, bot="acme", wait=False)
        claim = await bot.store.claim("test", lease_seconds=30)
        assert claim is not None
        result = await bot.turn.handle(claim)
        assert result.replies[0].template == ("utter_heard" if name == "audio/wav" else "utter_seen")
    await bot.close()


def sound() -> bytes:
    """A second of a tone."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 16_000, "NONE", ""))
        file.writeframes(
            b"".join(int(9000 * math.sin(n / 6)).to_bytes(2, "little", signed=True) for n in range(16_000))
        )
    return buffer.getvalue()


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(buffer, "PNG")
    return buffer.getvalue()
