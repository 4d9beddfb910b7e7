"""What a widget says: each client frame, and what becomes of it. The same for WebSocket and HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.errors import NotFound, RateLimited, Rejected, StoreError, TooLarge, Unverified
from bot.events import (
    Actor,
    Body,
    ContactChanged,
    Delivery,
    Feedback,
    LabelsChanged,
    LanguageSet,
    Sent,
)
from bot.state import State
from bot.types import Button, Message, Words, new_id
from channels.base import Context
from channels.limits import clean
from channels.tokens import Tokens, Visitor, proves
from channels.web.frames import Frame, nack
from channels.web.rooms import About, Connection, Room, Rooms
from channels.web.uploads import Uploads
from channels.writing import append

NAME = "web"
CUSTOMER = Actor(kind="customer")
FIELDS = 50
"""Attributes and labels that one frame may set."""
KEPT = 100
"""Attributes, and labels, that one conversation may have."""
FIELD_CHARACTERS = 500
SHOWN = 1_000
"""Events that a visitor may see, the newest of the conversation: what a session begins with, and what may be rated."""
PROFILE = ("name", "email", "avatar_url")


class Talk:
    """Handles client frames. What it has to answer it pushes to the connection that asked."""

    def __init__(self, context: Context, rooms: Rooms, tokens: Tokens, uploads: Uploads) -> None:
        self._context = context
        self._rooms = rooms
        self._tokens = tokens
        self._uploads = uploads
        self._kinds: dict[str, Callable[[Room, Connection, dict[str, Any]], Awaitable[None]]] = {
            "message": self._message,
            "user": self._user,
            "attributes": self._attributes,
            "labels": self._labels,
            "locale": self._locale,
            "read": self._read,
            "feedback": self._feedback,
            "reset": self._reset,
            "typing": self._typing,
            "ping": self._ping,
        }

    async def hear(self, connection: Connection, frame: dict[str, Any]) -> None:
        """Take one frame. What is wrong with it is answered with a `nack`, and nothing of it is kept."""
        room = connection.room
        if room is None:
            return
        client_id = frame.get("client_id") if isinstance(frame.get("client_id"), str) else None
        kind = self._kinds.get(str(frame.get("type")))
        try:
            if kind is None:
                raise Rejected(f"unknown type; there are: {', '.join(self._kinds)}")
            await kind(room, connection, frame)
        except RateLimited as error:
            text = self._context.say("utter_rate_limited", connection.locale)
            connection.push(nack(client_id, "rate_limited", text, error.retry_after))
        except TooLarge:
            connection.push(nack(client_id, "too_large", self._context.say("utter_too_long", connection.locale)))
        except Unverified as error:
            connection.push(nack(client_id, "unverified", str(error)))
        except (Rejected, NotFound) as error:
            connection.push(nack(client_id, "rejected", str(error)))
        except StoreError:
            # Kept by the client, which sends it again: the disk is full or the database is locked just now.
            text = self._context.say("utter_busy", connection.locale)
            connection.push(nack(client_id, "unavailable", text, retry_after=5.0))

    async def _message(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        limits = self._context.settings.limits
        client_id = clean(frame.get("client_id"), 64)
        if not client_id:
            raise Rejected("a message needs a client_id")
        text = clean(frame.get("text"), limits.message_characters)
        payload = clean(frame.get("payload"), 1_000) or None
        ids = frame.get("attachments") or []
        if not isinstance(ids, list) or len(ids) > 10:
            raise Rejected("attachments is a list of at most ten upload ids")
        if not text and not ids and payload is None:
            raise Rejected("the message is empty")
        if payload is not None and not await self._offered(room, payload):
            raise Rejected("this button is not offered in this conversation")
        self._context.rates.take(f"web message {room.visitor.id}", limits.messages_per_minute)
        message = Message(
            channel=NAME,
            account=room.visitor.account,
            sender=room.visitor.id,
            external_id=f"{room.visitor.id}:{client_id}",
            text=text,
            payload=payload,
            attachments=tuple([await self._uploads.attachment(str(item), room.visitor) for item in ids]),
            locale=connection.locale,
            profile=room.about.profile,
        )
        if message.attachments:
            room.uploaded = message
        accepted = await self._context.inbox.accept(message)
        if accepted.new and accepted.conversation != room.conversation:
            changed = room.conversation is not None
            self._rooms.bind(room, accepted.conversation)
            if changed:
                room.tell(await self.welcome(room))
            await self._identified(room)
        if accepted.new:
            room.wrote(message, connection)
        connection.push({"type": "ack", "client_id": client_id, "message_id": accepted.message})

    async def _offered(self, room: Room, payload: str) -> bool:
        """Payloads come from buttons of this conversation and from nowhere else."""
        if room.conversation is None:
            return False
        offered: tuple[Button, ...] = (await self._context.store.load(room.conversation)).offered
        return any(button.payload == payload for button in offered)

    async def welcome(self, room: Room) -> Frame:
        """Where the visitor is: conversation, its newest sequence number, and who has it."""
        if room.conversation is None:
            return {"type": "welcome", "conversation": None, "seq": 0, "status": "pending", "owner": "bot"}
        state = await self._context.store.load(room.conversation)
        return {
            "type": "welcome",
            "conversation": room.conversation,
            "seq": state.version,
            "status": state.status,
            "owner": state.owner,
        }

    async def _user(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        id = clean(frame.get("id"), FIELD_CHARACTERS)
        profile = frame.get("profile") or {}
        if not isinstance(profile, dict):
            raise Rejected("profile is an object")
        room.about.profile = {
            key: clean(profile[key], FIELD_CHARACTERS) for key in PROFILE if profile.get(key) is not None
        }
        proof = clean(frame.get("identifier_hash"), 128)
        secret = self._context.settings.web.identity_secret.get_secret_value()
        verified = bool(id and proof) and proves(secret, id, proof)
        if proof and not verified:
            raise Unverified("identifier_hash does not prove this id")
        room.about.person = f"{room.visitor.account}:{id}" if verified else None
        await self._identified(room)

    async def _identified(self, room: Room) -> None:
        """Write down what was told of the visitor, as soon as there is a conversation to write it in."""
        about = room.about
        if room.conversation is None or about == About():
            return
        if about.person is not None:
            await self._context.store.identify(room.conversation, about.person)
        profile, verified = dict(about.profile), about.person is not None
        waiting, labels = dict(about.fields), dict(about.labels)

        def changes(state: State) -> list[Body]:
            told: dict[str, Words | None] = {
                key: Words(text=value) for key, value in profile.items() if _differs(state, key, value)
            }
            told |= waiting
            bodies: list[Body] = [_labelled(labels)] if labels else []
            if told or (verified and not state.verified):
                bodies.append(ContactChanged(fields=told, verified=verified))
            return bodies

        await append(self._context.store, room.conversation, CUSTOMER, changes)
        about.fields.clear()
        about.labels.clear()

    async def _attributes(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        given, deleted = frame.get("set") or {}, frame.get("delete") or []
        if not isinstance(given, dict) or not isinstance(deleted, list) or len(given) + len(deleted) > FIELDS:
            raise Rejected(f"set is an object, delete a list of names, at most {FIELDS} in all")
        if any(isinstance(value, dict | list) for value in given.values()):
            raise Rejected("the value of an attribute is a text or a number")
        fields: dict[str, Words | None] = {
            clean(str(key), 100): Words(text=clean(str(value), FIELD_CHARACTERS)) for key, value in given.items()
        }
        fields |= {clean(str(key), 100): None for key in deleted}

        def changes(state: State) -> list[Body]:
            _few({*state.contact, *(key for key, value in fields.items() if value is not None)}, KEPT)
            news = {key: value for key, value in fields.items() if _differs(state, key, value.text if value else None)}
            return [ContactChanged(fields=news)] if news else []

        if room.conversation is None:
            _few({*room.about.fields, *fields}, FIELDS)
            room.about.fields |= fields
        elif fields:
            await self._write(room, changes)

    async def _labels(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        added, removed = frame.get("add") or [], frame.get("remove") or []
        if not isinstance(added, list) or not isinstance(removed, list) or len(added) + len(removed) > FIELDS:
            raise Rejected(f"add and remove are lists of at most {FIELDS} labels")
        labels = {clean(item, 100): False for item in removed} | {clean(item, 100): True for item in added}

        def changes(state: State) -> list[Body]:
            _few({*state.labels, *(label for label, wanted in labels.items() if wanted)}, KEPT)
            news = {label: wanted for label, wanted in labels.items() if wanted != (label in state.labels)}
            return [_labelled(news)] if news else []  # what is known already is told after every reconnection

        if room.conversation is None:
            _few({*room.about.labels, *labels}, FIELDS)
            room.about.labels |= labels
        else:
            await self._write(room, changes)

    async def _locale(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        connection.locale = clean(frame.get("locale"), 35) or None
        language = self._context.pick(connection.locale)
        if room.conversation is not None and connection.locale:
            body = LanguageSet(language=language)
            await self._write(room, lambda state: [] if state.language == language else [body])

    async def _read(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        seq = frame.get("seq")
        if not isinstance(seq, int) or seq <= room.read_seq or room.conversation is None:
            return
        before, room.read_seq = room.read_seq, seq  # at once: the visitor's other tabs tell the same
        try:
            events = await self._context.store.events(room.conversation, after=before, newest=SHOWN)
        except StoreError:
            room.read_seq = before
            raise
        room.read_seq = min(seq, events[-1].sequence) if events else before
        seen = [event.body.reply_id for event in events if isinstance(event.body, Sent) and event.sequence <= seq]
        known = {
            event.body.reply_id for event in events if isinstance(event.body, Delivery) and event.body.status == "read"
        }
        if seen and seen[-1] not in known:
            await self._write(room, lambda _: [Delivery(reply_id=seen[-1], status="read")])

    async def _feedback(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        rating, reply = frame.get("rating"), frame.get("reply_id")
        if rating not in ("up", "down"):
            raise Rejected("rating is up or down")
        if room.conversation is None:
            raise Rejected("there is no conversation yet")
        events = await self._context.store.events(room.conversation, newest=SHOWN)
        if not any(isinstance(event.body, Sent) and event.body.reply_id == reply for event in events):
            raise Rejected("there is no such reply in this conversation")
        comment = clean(frame.get("comment"), 1_000)
        words = Words(text=comment) if comment else Words(ref="", text=None)
        await self._write(room, lambda _: [Feedback(reply_id=str(reply), rating=rating, comment=words)])

    async def _reset(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        """End the conversation and forget who this was: the browser goes on as somebody new."""
        if room.conversation is not None:
            await self._context.store.end(room.conversation)
        visitor = Visitor(new_id(), room.visitor.account)
        tabs = list(room.connections)
        for tab in tabs:
            self._rooms.leave(tab)
            tab.seq = 0
            await self._rooms.join(visitor, tab)
            anew = {"token": self._tokens.issue(visitor), "visitor": visitor.id}
            tab.push({**await self.welcome(tab.room or room), **anew})

    async def _typing(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        """Shown to the visitor's other tabs; it is not stored."""
        for other in room.connections:
            if other is not connection:
                other.push({"type": "typing"})

    async def _ping(self, room: Room, connection: Connection, frame: dict[str, Any]) -> None:
        connection.push({"type": "pong"})

    async def _write(self, room: Room, decide: Callable[[State], list[Body]]) -> None:
        """Append events to the visitor's conversation; without one there is nothing to write to."""
        if room.conversation is None:
            raise Rejected("there is no conversation yet")
        self._context.rates.take(f"web write {room.visitor.id}", 120)
        await append(self._context.store, room.conversation, CUSTOMER, decide)
        self._context.hub.publish(room.conversation)


def _differs(state: State, key: str, value: str | None) -> bool:
    """Whether a field of the contact is told anew; None: that there is none."""
    known = state.contact.get(key)
    return known is not None if value is None else known is None or known.text != value


def _labelled(labels: dict[str, bool]) -> LabelsChanged:
    return LabelsChanged(
        added=tuple(label for label, wanted in labels.items() if wanted),
        removed=tuple(label for label, wanted in labels.items() if not wanted),
    )


def _few(names: set[str], most: int) -> None:
    if len(names) > most:
        raise Rejected(f"there are too many: at most {most}")
