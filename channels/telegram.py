"""Telegram: by webhook, or by long polling where there is no public address.

An update is stored before it is acknowledged: the webhook answers 200, and the poller moves its offset, only then. What
comes twice is dropped by its update id. Private chats only; the sender is the chat.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.errors import (
    ConfigError,
    DeliveryError,
    FrontdeskError,
    NotFound,
    RateLimited,
    Rejected,
    StoreError,
)
from bot.events import Actor, Body, Edited, Received
from bot.state import State
from bot.store.base import Outgoing
from bot.types import Attachment, Citation, Message, Reply, Words
from channels.base import Context
from channels.limits import clean, parse_object, problem, sniff
from channels.progress import Progress
from channels.telegram_api import POLL_SECONDS, TelegramApi, callback_data, messages_of
from channels.web.frames import source_path
from channels.writing import append, sent

log = logging.getLogger(__name__)

NAME = "telegram"
PATH = "/webhooks/telegram"
UPDATES = ["message", "edited_message", "callback_query"]
GREETINGS = {"zh": "你好", "en": "Hello"}
"""What the START button means; Telegram sends it as the text "/start"."""

FILES = {
    "voice": "audio",
    "audio": "audio",
    "video_note": "file",
    "photo": "picture",
    "document": "file",
    "video": "file",
}
"""A message's files, and which response says that one could not be read."""

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
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._refused: OrderedDict[int, None] = OrderedDict()
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
            self._poller = asyncio.create_task(self._poll(), name="telegram")

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

    async def _poll(self) -> None:
        offset, trouble = 0, 0
        while True:
            try:
                updates = await self._api.call(
                    "getUpdates", offset=offset, timeout=POLL_SECONDS, allowed_updates=UPDATES
                )
                chats: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
                for update in updates:
                    chats[_chat(update)].append(update)
                await asyncio.gather(*(self._take_all(each) for each in chats.values()))
                offset = max((int(update["update_id"]) + 1 for update in updates), default=offset)
                trouble = 0
            except (FrontdeskError, KeyError, TypeError, ValueError) as error:
                trouble += 1
                wait = getattr(error, "retry_after", None) or min(2.0**trouble, 60.0)
                log.warning("cannot fetch updates from Telegram: %s", type(error).__name__)
                await asyncio.sleep(wait)

    async def _take_all(self, updates: Sequence[dict[str, Any]]) -> None:
        for update in updates:
            with suppress(Rejected):
                await self.take(update)

    async def take(self, update: dict[str, Any]) -> None:
        """Store one update, in its chat's order. Rejected when it is nothing for us; StoreError or DeliveryError when
        it must come again."""
        try:
            async with self._locks[_chat(update)]:
                if "callback_query" in update:
                    await self._pressed(update)
                elif "edited_message" in update:
                    await self._edited(update)
                elif "message" in update:
                    await self._message(update, update["message"])
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Rejected("not an update as Telegram sends it") from None

    async def _message(self, update: dict[str, Any], told: dict[str, Any]) -> None:
        if told["chat"]["type"] != "private" or (told.get("from") or {}).get("is_bot"):
            return
        chat = str(told["chat"]["id"])
        text = clean(told.get("text") or told.get("caption"), TEXT)
        if text == "/start" or text.startswith("/start "):
            text = GREETINGS.get(self._context.pick(_language(told)), GREETINGS["en"])
        attachments, refused = await self._attachments(chat, told)
        if refused and not text and not attachments:
            await self._refuse(update, chat, refused, _language(told))
        elif text or attachments:
            await self._accept(update, told, text=text, attachments=attachments)

    async def _accept(
        self,
        update: dict[str, Any],
        told: dict[str, Any],
        *,
        text: str,
        payload: str | None = None,
        attachments: tuple[Attachment, ...] = (),
    ) -> None:
        sender = update.get("callback_query", {}).get("from") or told.get("from") or {}
        name = " ".join(clean(sender.get(key), 255) for key in ("first_name", "last_name")).strip()
        profile = {"name": name, "username": clean(sender.get("username"), 255)}
        await self._context.inbox.accept(
            Message(
                channel=NAME,
                account=self.account,
                sender=str(told["chat"]["id"]),
                external_id=f"{int(update['update_id'])}:{int(told['message_id'])}",
                text=text,
                payload=payload,
                attachments=attachments,
                locale=clean(sender.get("language_code"), 35) or None,
                profile={key: value for key, value in profile.items() if value},
                sent_at=datetime.fromtimestamp(int(told.get("date") or 0), UTC),
            )
        )

    async def _attachments(self, chat: str, told: dict[str, Any]) -> tuple[tuple[Attachment, ...], str | None]:
        """What the message brought, stored; and the response for what could not be read."""
        found: list[Attachment] = []
        refused = None
        limit = self._context.settings.limits.upload_bytes
        for key, kind in FILES.items():
            file = told.get(key)
            if isinstance(file, list):  # one photo in several sizes, the largest last
                file = next((size for size in reversed(file) if int(size.get("file_size") or 0) <= limit), None)
            if not file:
                refused = refused or (f"utter_{kind}_unsupported" if told.get(key) else None)
                continue
            try:
                if int(file.get("file_size") or 0) > limit:
                    raise Rejected("too large")
                self._context.rates.take(f"telegram {chat}", self._context.settings.limits.uploads_per_minute)
                data = await self._api.download(str(file["file_id"]), limit)
                media_type = await asyncio.to_thread(sniff, data)
            except RateLimited:
                refused = "utter_rate_limited"
                continue
            except Rejected:
                refused = f"utter_{kind}_unsupported"
                continue
            except DeliveryError as error:
                if not error.permanent:
                    raise
                refused = f"utter_{kind}_unsupported"  # it is gone there: asking again and again would hold up others
                continue
            blob = await self._context.blobs.put(data)
            await self._context.store.attach(
                blob, channel=NAME, account=self.account, sender=chat, media_type=media_type, size=len(data)
            )
            name = clean(file.get("file_name"), 255)
            words = Words(text=name) if name else Words(ref="", text=None)
            found.append(Attachment(blob=blob, media_type=media_type, size=len(data), name=words))
        return tuple(found), refused

    async def _refuse(self, update: dict[str, Any], chat: str, key: str, locale: str | None) -> None:
        """Say once that a file could not be read: into the conversation, or straight where there is none yet."""
        number = int(update["update_id"])
        if number in self._refused:
            return
        reply = self._context.phrases.say(key, self._context.pick(locale))
        conversation = await self._context.store.find(NAME, self.account, chat)
        if conversation is not None:
            await self._say(conversation, reply)
        else:
            await self._api.call("sendMessage", chat_id=chat, text=reply.text)
        self._refused[number] = None
        while len(self._refused) > 1_000:
            self._refused.popitem(last=False)

    async def _edited(self, update: dict[str, Any]) -> None:
        """Words of a message that the bot has seen are replaced; one that it has not is a message like any other."""
        told = update["edited_message"]
        conversation = await self._context.store.find(NAME, self.account, str(told["chat"]["id"]))
        text = clean(told.get("text") or told.get("caption"), TEXT)
        ending = f":{int(told['message_id'])}"
        original = None
        for event in await self._context.store.events(conversation) if conversation else ():
            if isinstance(event.body, Received) and (event.body.external_id or "").endswith(ending):
                original = event.body.message_id
        if conversation is None or original is None:
            await self._message(update, told)
            return
        edited = Edited(message_id=original, text=Words(text=text))

        def changes(state: State) -> list[Body]:
            same = any(line.id == original and line.text.text == text for line in state.history)
            return [] if same else [edited]

        await append(self._context.store, conversation, Actor(kind="customer"), changes)

    async def _pressed(self, update: dict[str, Any]) -> None:
        """A button: its payload counts only if it was offered in this conversation."""
        query = update["callback_query"]
        told = query["message"]
        chat = str(told["chat"]["id"])
        conversation = await self._context.store.find(NAME, self.account, chat)
        offered = (await self._context.store.load(conversation)).offered if conversation else ()
        pressed = next((button for button in offered if callback_data(button.payload) == query.get("data")), None)
        if pressed is not None:
            await self._accept(update, told, text=pressed.title, payload=pressed.payload)
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


def _chat(update: dict[str, Any]) -> str:
    told = update.get("message") or update.get("edited_message") or (update.get("callback_query") or {}).get("message")
    return str(((told or {}).get("chat") or {}).get("id", ""))


def _language(told: dict[str, Any]) -> str | None:
    return clean((told.get("from") or {}).get("language_code"), 35) or None
