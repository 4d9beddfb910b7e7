"""Signed tokens, and the key that signs them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import ConfigError, Unverified
from channels import tokens
from channels.tokens import Tokens, Visitor, key_of, proves
from tests.scarce import no_room

VISITOR = Visitor("a" * 32, "demo")


def test_a_token_names_its_visitor_and_nobody_elses_key_makes_one() -> None:
    ours, theirs = Tokens(b"k" * 32), Tokens(b"x" * 32)
    token = ours.issue(VISITOR)
    assert ours.visitor(token) == VISITOR
    for bad in (theirs.issue(VISITOR), token[:-3] + "abc", "", "a.b.c", ours.upload("b" * 32, VISITOR)):
        with pytest.raises(Unverified):
            ours.visitor(bad)


def test_an_uploads_link_opens_that_upload_only() -> None:
    signer = Tokens(b"k" * 32)
    link = signer.upload("b" * 32, VISITOR)
    assert signer.opens(link, "b" * 32) == VISITOR.id
    with pytest.raises(Unverified):
        signer.opens(link, "c" * 32)
    with pytest.raises(Unverified):
        signer.opens(signer.issue(VISITOR), "b" * 32)


def test_a_token_is_good_for_ninety_days_and_a_clock_that_jumps_back_spoils_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer = Tokens(b"k" * 32)
    token = signer.issue(VISITOR)
    real = datetime.now(UTC)

    def at(moment: datetime) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return moment

        monkeypatch.setattr(tokens, "datetime", Clock)

    for days, good in ((-400, True), (0, True), (89, True), (91, False)):
        at(real + timedelta(days=days))
        if good:
            assert signer.visitor(token) == VISITOR
        else:
            with pytest.raises(Unverified):
                signer.visitor(token)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = key_of(home)
    assert key == key_of(home)
    assert len(key) == 64
    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["secret.key"]
    (home / "secret.key").write_text("")
    with pytest.raises(ConfigError, match=r"secret\.key is damaged"):
        key_of(home)


def test_a_key_that_found_no_room_leaves_nothing_behind_and_is_made_later(tmp_path: Path) -> None:
    with no_room(), pytest.raises(ConfigError, match=r"secret\.key cannot be written"):
        key_of(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(key_of(tmp_path)) == 64


def test_identifier_hash_is_the_hex_hmac_of_the_id() -> None:
    right = "1b1e5b54a0a1c5ee4b7e53d1a6ad2bdbe1e8d5ab8a4a0fc9f0f5e8c9cbd0a111"
    assert not proves("key", "42", right)
    assert not proves("", "42", "")
    assert not proves("key", "42", "ü" * 64)
    import hashlib
    import hmac

    assert proves("key", "42", hmac.new(b"key", b"42", hashlib.sha256).hexdigest().upper())
