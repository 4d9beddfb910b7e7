"""Signed tokens of the widget's visitors, the key that signs them, and bearer tokens of programs."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from bot.errors import ConfigError, Unverified

VISITOR_SECONDS = 90 * 24 * 3600
UPLOAD_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who holds a token: one browser on one site."""

    id: str
    account: str


class Tokens:
    """Makes and checks tokens. Unverified for everything that is not ours, altered or too old."""

    def __init__(self, key: bytes) -> None:
        signer = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        self._visitors = URLSafeTimedSerializer(key, salt="frontdesk.visitor", signer_kwargs=signer)
        self._uploads = URLSafeTimedSerializer(key, salt="frontdesk.upload", signer_kwargs=signer)

    def issue(self, visitor: Visitor) -> str:
        """A visitor's token; good for 90 days."""
        return _text(self._visitors.dumps([visitor.id, visitor.account]))

    def visitor(self, token: str) -> Visitor:
        """Who a token was issued to."""
        try:
            id, account = _fresh(self._visitors, token, VISITOR_SECONDS)
        except (BadData, ValueError, TypeError):
            raise Unverified("the visitor's token is not valid (any more)") from None
        return Visitor(str(id), str(account))

    def upload(self, blob: str, visitor: Visitor) -> str:
        """A token for a link to one upload, since a picture's address cannot carry the visitor's own; 7 days."""
        return _text(self._uploads.dumps([blob, visitor.id]))

    def opens(self, token: str, blob: str) -> str:
        """The visitor that the upload's link was made for."""
        try:
            named, visitor = _fresh(self._uploads, token, UPLOAD_SECONDS)
        except (BadData, ValueError, TypeError):
            raise Unverified("the link is not valid (any more)") from None
        if named != blob:
            raise Unverified("the link is another upload's")
        return str(visitor)


def _fresh(serializer: URLSafeTimedSerializer, token: str, seconds: float) -> Any:
    """What the token holds. Its own `max_age` would refuse a token from the future, and clocks do jump back."""
    value, made = serializer.loads(token, return_timestamp=True)
    if (datetime.now(UTC) - made).total_seconds() > seconds:
        raise ValueError("too old")
    return value


def _text(token: str | bytes) -> str:
    return token.decode("ascii") if isinstance(token, bytes) else token


def key_of(home: Path) -> bytes:
    """The key in `secret.key`, made at the first start, readable by its owner only. ConfigError if it is too short, or
    cannot be written."""
    path = home / "secret.key"
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from None
    key = path.read_bytes().strip()
    if len(key) < 32:
        raise ConfigError(f"{path} is damaged: remove it and start again (visitors will begin new conversations)")
    return key


def _make(path: Path) -> None:
    """Write a new key, whole or not at all, and never over one that another process made at the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def proves(secret: str, id: str, identifier_hash: str) -> bool:
    """Whether the site vouches for this customer: hex HMAC-SHA256(secret, id), compared in constant time."""
    if not secret or not identifier_hash.isascii():
        return False
    expected = hmac.new(secret.encode(), id.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, identifier_hash.lower())


def bearer(expected: str, authorization: str) -> bool:
    """Whether an Authorization header has this bearer token; compared in constant time."""
    scheme, _, given = authorization.partition(" ")
    return hmac.compare_digest(given.strip().encode(), expected.encode()) and scheme.lower() == "bearer"
