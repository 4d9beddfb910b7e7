"""What a button carries: `/SetSlots(amount=50, recipient="Ann")`, `/StartFlow(transfer)`, `/intent{"entity": "value"}`.

Only buttons that the bot offered count (`bot.understand`); a customer who types one has typed text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_CALL = re.compile(r"/(SetSlots|StartFlow)\s*\((.*)\)\s*", re.DOTALL)
_INTENT = re.compile(r"/([^\s{(@]+)\s*(?:@\s*([\d.]+))?\s*(\{.*\})?\s*", re.DOTALL)
_PAIR = re.compile(
    r"\s*([A-Za-z_][\w-]*)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^,]*?)\s*(?:,|$)", re.DOTALL
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "none": None, "null": None, "undefined": None}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Payload:
    """What is to happen: slots to set, a flow to start, or an intent that was meant, with its entities."""

    slots: tuple[tuple[str, Any], ...] = ()
    flow: str | None = None
    intent: str | None = None
    entities: tuple[tuple[str, Any], ...] = ()


def read_payload(text: str) -> Payload | None:
    """The payload, or None for a text that is none. `/handover` and the like are intents here."""
    text = text.strip()
    if call := _CALL.fullmatch(text):
        return Payload(flow=call[2].strip()) if call[1] == "StartFlow" else _slots(call[2])
    if match := _INTENT.fullmatch(text):
        entities = _entities(match[3])
        return None if entities is None else Payload(intent=match[1], entities=entities)
    return None


def _slots(inside: str) -> Payload | None:
    found: list[tuple[str, Any]] = []
    at = 0
    while at < len(inside.rstrip()):
        match = _PAIR.match(inside, at)
        if match is None or match.end() == at:
            return None
        found.append((match[1], _value(match[2].strip())))
        at = match.end()
    return Payload(slots=tuple(found)) if found else None


def _value(text: str) -> Any:
    if text[:1] in ("'", '"') and len(text) > 1:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    if text[:1] == "[":
        return [_value(item.strip()) for item in text[1:-1].split(",") if item.strip()]
    return text


def _entities(text: str | None) -> tuple[tuple[str, Any], ...] | None:
    if text is None:
        return ()
    try:
        given = json.loads(text)
    except ValueError:
        return None
    return tuple((str(key), value) for key, value in given.items()) if isinstance(given, dict) else None
