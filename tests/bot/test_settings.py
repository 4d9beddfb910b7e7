"""Where settings come from, which wins, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import load, names


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "frontdesk.toml"
    path.write_text('port = 1111\n[limits]\nmessage_characters = 10\naudio_seconds = 5\n[telegram]\ntoken = "t"\n')
    return path


def test_arguments_win_over_the_environment_and_that_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(file).port == 1111
    monkeypatch.setenv("FRONTDESK_PORT", "2222")
    assert load(file).port == 2222
    assert load(file, port=3333).port == 3333
    assert load(file, port=None).port == 2222


def test_the_environment_overrides_one_field_of_a_section(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_LIMITS__AUDIO_SECONDS", "7")
    limits = load(file).limits
    assert (limits.message_characters, limits.audio_seconds) == (10, 7)


def test_a_mistyped_variable_is_an_error_that_names_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_PROT", "1")
    with pytest.raises(ConfigError, match="did you mean FRONTDESK_PORT"):
        load()


@pytest.mark.parametrize(
    ("text", "named"),
    [("prot = 1", "prot"), ("port = 'x'", "port"), ("[limits]\nx = 1", "limits.x"), ("port =", "not valid TOML")],
)
def test_a_wrong_file_is_an_error_that_names_the_setting(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "frontdesk.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named):
        load(path)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no settings file"):
        load(tmp_path / "none.toml")


def test_secrets_do_not_show_when_settings_are_printed(file: Path) -> None:
    assert "token=SecretStr('**********')" in str(load(file).telegram)


def test_every_setting_is_described() -> None:
    assert [name for name, description in names().items() if not description] == []
