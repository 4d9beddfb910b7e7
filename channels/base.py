"""What a channel is. A platform is one file, one line in `CHANNELS`, and its captured payloads under tests/payloads.

A channel turns what its platform sends into a plain `Message` and hands it to the inbox; what is to go out reaches it
through the outbox, and in no other way. Built-in channels come in by the same door as anyone else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from starlette.routing import BaseRoute

from bot.errors import ConfigError
from bot.settings import Settings
from bot.store.base import Blobs, Claim, Outgoing, Store
from bot.types import Emission, Message, Reply, TurnResult

if TYPE_CHECKING:
    from channels.hub import Hub
    from channels.inbox import Inbox
    from channels.limits import Rates

CHANNELS: dict[str, str] = {
    "web": "channels.web.channel:WebChannel",
    "rest": "channels.rest:RestChannel",
    "telegram": "channels.telegram:TelegramChannel",
}
"""Name -> "module:Class". The name is `Message.channel` of everything that comes in there."""


class Turn(Protocol):
    """Who answers: `bot.turn.Turn`."""

    async def handle(self, claim: Claim, emit: Callable[[Emission], None] | None = None) -> TurnResult: ...


class Phrases(Protocol):
    """What the bot says that is not an answer: `bot.flows.Domain`."""

    def say(self, key: str, language: str, *, text: str = "") -> Reply: ...

    def missing(self, keys: Iterable[str]) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a channel is given. `bot` is the name under which conversations are stored, `languages` the bot's, the first
    the default. `pick(language)` is the nearest of them for a browser's or platform's locale."""

    settings: Settings
    store: Store
    blobs: Blobs
    inbox: Inbox
    hub: Hub
    rates: Rates
    phrases: Phrases
    bot: str
    languages: tuple[str, ...]

    def pick(self, locale: str | None) -> str:
        """The bot's language for a locale such as "zh-CN"; its first language when it speaks none like it."""
        short = (locale or "").replace("_", "-").partition("-")[0].lower()
        return short if short in self.languages else self.languages[0]

    def say(self, key: str, locale: str | None, *, text: str = "") -> str:
        """The text of a response, in the bot's language that is nearest to the locale; `text` fills its {text}."""
        return self.phrases.say(key, self.pick(locale), text=text).text


class Channel(Protocol):
    """One platform. The constructor takes the Context and touches nothing; `start` does."""

    name: str

    def routes(self) -> Sequence[BaseRoute]:
        """Its HTTP and WebSocket endpoints, with absolute paths."""
        ...

    async def start(self) -> None:
        """Begin to receive (a poller, a webhook to be set). Raises ConfigError with what to mend."""
        ...

    async def stop(self) -> None:
        """Stop receiving. What was accepted stays accepted. Idempotent."""
        ...

    async def send(self, outgoing: Outgoing) -> str | None:
        """Deliver one reply; return the platform's id of it, if it has one.

        Raises DeliveryError, with `permanent` when trying again cannot help. Anything else that it raises is a bug and
        counts as a failure to be tried again.
        """
        ...

    async def slow(self, conversation: str, message: Message, *, begun: bool) -> None:
        """Tell the sender of `message` that it takes longer. `begun`: a worker is at it already."""
        ...


ChannelClass = Callable[[Context], Channel]


def channel_class(name: str, table: Mapping[str, str] = CHANNELS) -> ChannelClass:
    """The class behind a name, loaded now. ConfigError that lists the valid names for an unknown one."""
    if name not in table:
        raise ConfigError(f"there is no channel {name!r}; there are: {', '.join(sorted(table))}")
    module, _, attribute = table[name].partition(":")
    found: ChannelClass = getattr(import_module(module), attribute)
    return found


def configured(settings: Settings) -> list[str]:
    """The channels that these settings turn on: the widget and REST always, a platform when its token is set."""
    names = ["web", "rest"]
    if settings.telegram.token.get_secret_value():
        names.append("telegram")
    return names
