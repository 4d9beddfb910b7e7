"""Where an action server is, and how it is spoken to: Rasa's `action_endpoint` of endpoints.yml, and our limits."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One action server.

    `url` is the whole of it, as Rasa writes it (`http://localhost:5055/webhook`). `cafile` is a PEM file of the only
    authorities that are believed; without one the system's are. `seconds` bounds a call from end to end; `deflate`
    compresses what is sent.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    basic_auth: tuple[str, str] | None = None
    cafile: Path | None = None
    seconds: float = 10.0
    deflate: bool = False
    request_bytes: int = 4_000_000
    response_bytes: int = 4_000_000

    def __post_init__(self) -> None:
        """Raises ConfigError for a URL that is none."""
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ConfigError(f"the action server's URL {self.url!r} is not valid: {error}") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigError(f"the action server's URL {self.url!r} must be like http://localhost:5055/webhook")

    @property
    def base(self) -> str:
        """What `/health` and `/actions` hang on."""
        return self.url.rstrip("/").removesuffix("/webhook")

    def tls(self) -> ssl.SSLContext:
        """How the server's certificate is verified; always is. Raises ConfigError for a bad `cafile`."""
        try:
            return ssl.create_default_context(cafile=self.cafile)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"the action server's cafile {self.cafile} is no file of PEM certificates: {error}"
            ) from None


def read_endpoint(given: Mapping[str, Any], folder: Path) -> Endpoint:
    """Rasa's `action_endpoint` as endpoints.yml writes it; `cafile` is looked for from the bot's folder.

    Raises ConfigError for a key that means nothing, so that a server is never called otherwise than it was meant.
    """
    known = {"url", "headers", "params", "basic_auth", "token", "token_name", "cafile"}
    if unknown := sorted(set(given) - known):
        told = ", ".join(sorted(known))
        raise ConfigError(f"endpoints.yml: action_endpoint has no key {unknown[0]!r}; known are {told}")
    params = {str(key): str(value) for key, value in (given.get("params") or {}).items()}
    if given.get("token"):
        params[str(given.get("token_name") or "token")] = str(given["token"])
    basic = given.get("basic_auth")
    return Endpoint(
        url=str(given.get("url", "")),
        headers={str(key): str(value) for key, value in (given.get("headers") or {}).items()},
        params=params,
        basic_auth=(str(basic.get("username", "")), str(basic.get("password", ""))) if basic else None,
        cafile=folder / str(given["cafile"]) if given.get("cafile") else None,
    )
