"""bot.toml, as people write it and as they get it wrong."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from bot.botfile import find_data, load_bot
from bot.errors import ConfigError

SMALL = 'name = "Acme"\n'


def write(folder: Path, text: str) -> Path:
    (folder / "bot.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_demo_company_is_found_and_right() -> None:
    botfile = load_bot()
    assert botfile.folder == find_data()
    assert botfile.name
    assert "internal" not in botfile.collections
    assert all(source.path.is_absolute() and source.path.exists() for source in botfile.documents)


def test_a_name_is_enough(tmp_path: Path) -> None:
    botfile = load_bot(write(tmp_path, SMALL))
    assert (botfile.name, botfile.language, botfile.generator.enabled) == ("Acme", "en", True)
    assert botfile.domain_folder == tmp_path / "domain"


def test_hours_are_read_as_spans_and_holidays_are_closed(tmp_path: Path) -> None:
    hours = '[working_hours]\ntimezone = "Europe/Berlin"\nmonday = ["09:00-12:00", "13:00-24:00"]\n'
    hours += 'holidays = ["2026-06-01"]\n'
    opening = load_bot(write(tmp_path, SMALL + hours)).working_hours
    assert [(span.start, span.end) for span in opening.on(date(2026, 6, 8))] == [
        (time(9), time(12)),
        (time(13), time(0)),
    ]
    assert opening.on(date(2026, 6, 1)) == ()
    assert opening.on(date(2026, 6, 9)) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not valid TOML"),
        ('bot_name = "x"', "name"),
        (SMALL + "colour = 1", "colour"),
        (SMALL + 'folder = "x"', "folder"),
        (SMALL + "[thresholds]\nen = 2.0", "thresholds.en"),
        (SMALL + '[working_hours]\ntimezone = "Mars/Olympus"', "Mars/Olympus"),
        (SMALL + '[working_hours]\nmonday = ["nine to five"]', "monday"),
        (SMALL + '[working_hours]\nmonday = ["18:00-09:00"]', "begin before they end"),
        (SMALL + '[working_hours]\nmonday = ["09:00-12:00", "11:00-13:00"]', "follow each other"),
        (SMALL + '[[documents]]\npath = "nowhere"', "nowhere"),
        (SMALL + '[[documents]]\npath = "."\naudience = "secret"', "documents.0.audience"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_bot(write(tmp_path, text))
    assert "bot.toml" in str(caught.value)


def test_a_folder_without_the_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="frontdesk init"):
        load_bot(tmp_path)
