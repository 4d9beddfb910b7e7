"""Telegram: by webhook, or by long polling where there is no public address.

An update is stored before it is acknowledged: the webhook answers 200, and the poller moves its offset, only then. What
comes twice is known by its update's number, after a restart by its number in its chat. Private chats only; the sender
is the chat.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.errors import ConfigError, DeliveryError, NotFound, Rejected, StoreError
from bot.events import Actor, Body, Edited, Received
from bot.state import State
from bot.store.base import Accepted, Outgoing
from bot.types import Attachment, Citation, Message, Reply, Words, now
from channels.base import Context
from channels.limits import clean, parse_object, problem
from channels.progress import Progress
from channels.recent import Recent
from channels.telegram_api import UPDATES, TelegramApi, callback_data, messages_of
from channels.telegram_files import Files
from channels.telegram_poll import Poller, chat_of
from channels.web.frames import source_path
from channels.writing import append, sent

log = logging.getLogger(__name__)

NAME = "telegram"
PATH = "/webhooks/telegram"
GREETINGS = {"zh": "你好", "en": "Hello"}
"""What the START button means; Telegram sends it as the text "/start"."""

TRIES = 4
"""How often an update is taken up whose file does not come; then it goes on without, and the customer is told."""
REMEMBERED = 10_000
"""Updates that are known without asking the store."""

TEXT = 8_000


class TelegramChannel:
    """`account` is the bot's id (the token's first part), `sender` the chat's."""

    name = NAME

    def __init__(self, context: Context) -> None:
        self._context = context
        settings = context.settings.telegram
        self._mode = settings.mode
        self._secret = settings.secret.get_secret_value()
        token = settings.token.get_secret_value()
        self.account = token.partition(":")[0]
        self._api = TelegramApi(settings.api, token)
        self._poller: asyncio.Task[None] | None = None
        self._files = Files(context, self._api, self.account)
        self._order: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._taken: Recent[int, None] = Recent(REMEMBERED)
        self._tries: Recent[int, int] = Recent(REMEMBERED)
        self._edits: Recent[tuple[str, int], int] = Recent(REMEMBERED)
        self._progress = Progress()

    def routes(self) -> Sequence[BaseRoute]:
        return [Route(PATH, self._webhook, methods=["POST"])] if self._mode == "webhook" else []

    async def start(self) -> None:
        if self._mode == "webhook":
            public = self._context.settings.public_url.rstrip("/")
            if not self._secret:
                raise ConfigError("telegram.mode 'webhook' needs telegram.secret, else anybody could send updates")
            if not public:
                raise ConfigError("telegram.mode 'webhook' needs public_url; without a public address take 'polling'")
            await self._set_up("setWebhook", url=public + PATH, secret_token=self._secret, allowed_updates=UPDATES)
        else:
            await self._set_up("deleteWebhook")
            self._poller = asyncio.create_task(Poller(self._api, self.take).run(), name="telegram")

    async def stop(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller
            self._poller = None
        await self._api.close()

    async def _set_up(self, method: str, **parameters: Any) -> None:
        """A platform that is out of reach does not keep the desk from starting; a refused token does."""
        try:
            await self._api.call(method, **parameters)
        except DeliveryError as error:
            if error.permanent:
                raise ConfigError(f"{error}. Is telegram.token right?") from None
            log.warning("%s; going on without", error)

    # -- in

    async def _webhook(self, request: Request) -> Response:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not self._secret or not hmac.compare_digest(given.encode(), self._secret.encode()):
            return problem(401, "unauthorized", "the secret token is missing or wrong")
        try:
            await self.take(parse_object(await request.body()))
        except Rejected:
            pass  # it would come again and again, and be as wrong as now
        except (StoreError, DeliveryError) as error:
            log.warning("an update was not stored, Telegram sends it again: %s", type(error).__name__)
            return problem(503, "unavailable", "send it again")
        return JSONResponse({"ok": True})

    async def take(self, update: dict[str, Any]) -> None:
        """Store one update, in its chat's order. Rejected when it is nothing for us; StoreError or DeliveryError when
        it must come again, the latter at most TRIES - 1 times."""
        try:
            number = int(update["update_id"])
            lock = self._order.setdefault(chat_of(update), asyncio.Lock())
            async with lock:
                if number not in self._taken:
                    await self._sort(update, last=self._tries.get(number, 0) + 1 >= TRIES)
                    self._taken[number] = None
        except DeliveryError:
            self._tries[number] = self._tries.get(number, 0) + 1
            raise
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Rejected("not an update as Telegram sends it") from None

    async def _sort(self, update: dict[str, Any], *, last: bool) -> None:
        """`last`: it is not asked for again, whatever fails at Telegram."""
        if "callback_query" in update:
            await self._pressed(update)
        elif "edited_message" in update:
            await self._edited(update, last=last)
        elif "message" in update:
            await self._message(update["message"], last=last)

    async def _message(self, told: dict[str, Any], *, last: bool) -> None:
        """A message; one that is stored already is known by its chat and number."""
        if told["chat"]["type"] != "private" or (told.get("from") or {}).get("is_bot"):
            return
        chat = str(told["chat"]["id"])
        language = _language(told)
        text = _text(told)
        if text == "/start" or text.startswith("/start "):
            text = GREETINGS.get(self._context.pick(language), GREETINGS["en"])
        brought = await self._files.brought(chat, told, last=last)
        said = self._context.phrases.say(brought.refused, self._context.pick(language)) if brought.refused else None
        if text or brought.attachments:
            external = f"{chat}:{int(told['message_id'])}"
            accepted = await self._accept(told, external, text=text, attachments=brought.attachments)
            if said is not None and accepted.new:
                await self._say(accepted.conversation, said)
        elif said is not None:
            await self._refuse(chat, said, last=last)

    async def _accept(
        self,
        told: dict[str, Any],
        external: str,
        *,
        text: str,
        payload: str | None = None,
        attachments: tuple[Attachment, ...] = (),
        sender: dict[str, Any] | None = None,
    ) -> Accepted:
        """`sender` pressed a button under `told`; else whoever wrote it."""
        pressed = sender is not None
        sender = sender or told.get("from") or {}
        name = " ".join(clean(sender.get(key), 255) for key in ("first_name", "last_name")).strip()
        profile = {"name": name, "username": clean(sender.get("username"), 255)}
        return await self._context.inbox.accept(
            Message(
                channel=NAME,
                account=self.account,
                sender=str(told["chat"]["id"]),
                external_id=external,
                text=text,
                payload=payload,
                attachments=attachments,
                locale=clean(sender.get("language_code"), 35) or None,
                profile={key: value for key, value in profile.items() if value},
                sent_at=now() if pressed else datetime.fromtimestamp(int(told.get("date") or 0), UTC),
            )
        )

    async def _refuse(self, chat: str, reply: Reply, *, last: bool) -> None:
        """Say that a file could not be read: into the conversation, or straight where there is none yet."""
        conversation = await self._context.store.find(NAME, self.account, chat)
        if conversation is not None:
            await self._say(conversation, reply)
            return
        try:
            await self._api.call("sendMessage", chat_id=chat, text=reply.text)
        except DeliveryError as error:
            if not (error.permanent or last):
                raise
            log.warning("cannot say that a file is not taken: %s", error)

    async def _edited(self, update: dict[str, Any], *, last: bool) -> None:
        """Words of a message that the bot has seen are replaced, by the newest edit whatever the order they come in.

        One that still waits is followed by its new words, so that both are answered in one turn. One that never came,
        or comes later, is a message like any other, and what comes later is known.
        """
        told = update["edited_message"]
        number, newest = int(update["update_id"]), (str(told["chat"]["id"]), int(told["message_id"]))
        if number < self._edits.get(newest, 0):
            return
        conversation = await self._context.store.find(NAME, self.account, newest[0])
        if conversation is None or not await self._replaced(conversation, told):
            await self._message(told, last=last)
        self._edits[newest] = number

    async def _replaced(self, conversation: str, told: dict[str, Any]) -> bool:
        """Whether the edited message was known here; then its words are the new ones now."""
        place, text = str(int(told["message_id"])), _text(told)
        # Those that wait first: one whose turn ends between the two looks is found by the second.
        waiting = [
            message.text for message in await self._context.store.unanswered(conversation) if _is(message, place)
        ]
        if waiting:
            if text and waiting[-1] != text:
                external = f"{told['chat']['id']}:{place}:{int(told.get('edit_date') or 0)}"
                await self._accept(told, external, text=text)
            return True
        events = await self._context.store.events(conversation)
        seen = [event.body for event in events if isinstance(event.body, Received) and _is(event.body, place)]
        if not seen:
            return False
        edited = Edited(message_id=seen[-1].message_id, text=Words(text=text))

        def changes(state: State) -> list[Body]:
            same = any(line.id == edited.message_id and line.text.text == text for line in state.history)
            return [] if same else [edited]

        await append(self._context.store, conversation, Actor(kind="customer"), changes)
        return True

    async def _pressed(self, update: dict[str, Any]) -> None:
        """A button: its payload counts only if it was offered in this conversation."""
        query = update["callback_query"]
        told = query["message"]
        chat = str(told["chat"]["id"])
        conversation = await self._context.store.find(NAME, self.account, chat)
        offered = (await self._context.store.load(conversation)).offered if conversation else ()
        pressed = next((button for button in offered if callback_data(button.payload) == query.get("data")), None)
        if pressed is not None:
            external = f"press:{int(update['update_id'])}"
            sender = query.get("from") or {}
            await self._accept(told, external, text=pressed.title, payload=pressed.payload, sender=sender)
        with suppress(DeliveryError):  # it only ends the button's spinning
            await self._api.call("answerCallbackQuery", callback_query_id=query["id"])

    # -- out

    async def send(self, outgoing: Outgoing) -> str | None:
        last: Any = None
        parts: list[dict[str, Any] | Attachment] = [
            *messages_of(outgoing.reply, self._address),
            *outgoing.reply.attachments,
        ]
        for part in self._progress.left(outgoing.id, parts):
            if isinstance(part, Attachment):
                last = await self._file(outgoing.recipient, part)
            else:
                last = await self._text(outgoing.recipient, part)
        return str(last["message_id"]) if isinstance(last, dict) and "message_id" in last else None

    async def _text(self, chat: str, message: dict[str, Any]) -> Any:
        try:
            return await self._api.call("sendMessage", chat_id=chat, **message)
        except DeliveryError as error:
            if "can't parse entities" not in str(error):
                raise
            plain = {key: value for key, value in message.items() if key != "parse_mode"}
            return await self._api.call("sendMessage", chat_id=chat, **plain)

    async def _file(self, chat: str, attachment: Attachment) -> Any:
        with suppress(NotFound):  # erased in the meantime
            data = await self._context.blobs.get(attachment.blob)
            name = attachment.name.text or attachment.id
            method, field = ("sendPhoto", "photo") if attachment.kind == "image" else ("sendDocument", "document")
            return await self._api.call(method, files={field: (name, data, attachment.media_type)}, chat_id=chat)
        return None

    async def slow(self, conversation: str, message: Message, *, begun: bool) -> None:
        """Only while nobody has begun: a write into a running turn's conversation would make it start over."""
        if not begun:
            await self._say(conversation, self._context.phrases.say("utter_slow", self._context.pick(message.locale)))

    async def _say(self, conversation: str, reply: Reply) -> None:
        await append(self._context.store, conversation, Actor(kind="system"), lambda _: [sent(reply)])

    def _address(self, citation: Citation) -> str | None:
        """Our rendering where phones can reach this server, else the page's own address."""
        public = self._context.settings.public_url.rstrip("/")
        return public + source_path(citation) if public else citation.url


def _text(told: dict[str, Any]) -> str:
    return clean(told.get("text") or told.get("caption"), TEXT)


def _is(stored: Message | Received, place: str) -> bool:
    """Whether it is the message with this number in its chat ("CHAT:NUMBER", with the edit's date behind it or not)."""
    return (stored.external_id or "").split(":")[1:2] == [place]


def _language(told: dict[str, Any]) -> str | None:
    return clean((told.get("from") or {}).get("language_code"), 35) or None
