"""Reads what an action gave back, as JSON, into `bot.results`.

Source: `rasa_sdk.events` for events, `CollectingDispatcher.utter_message` for responses (rasa-sdk 3.21). What cannot be
honoured becomes a sentence in `ActionResult.problems`; the rest of the result counts all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot import results
from bot.results import ActionEvent, ActionResponse, ActionResult

Given = Mapping[str, Any]


def read_result(events: object, responses: object) -> ActionResult:
    """The result of an action from its two lists; None counts as an empty one."""
    problems: list[str] = []
    read_events = [event for item in _items(events, "events", problems) if (event := _event(item, problems))]
    said = [answer for item in _items(responses, "responses", problems) if (answer := _response(item, problems))]
    return ActionResult(events=tuple(read_events), responses=tuple(said), problems=tuple(problems))


def _items(given: object, what: str, problems: list[str]) -> Sequence[object]:
    if given is None or isinstance(given, list):
        return given or []
    problems.append(f"'{what}' is {_kind(given)}, not a list: ignored")
    return []


def _event(given: object, problems: list[str]) -> ActionEvent | None:
    if not isinstance(given, dict):
        problems.append(f"an event is {_kind(given)}, not an object: ignored")
        return None
    name = given.get("event")
    read = READERS.get(name) if isinstance(name, str) else None
    if read is None:
        problems.append(f"unknown event {name!r}: ignored; known are {', '.join(READERS)}")
        return None
    try:
        return read(given)
    except _Wrong as wrong:
        problems.append(f"the event {name!r} {wrong}: ignored")
        return None


class _Wrong(ValueError):
    """A key of an event that is missing or of the wrong kind."""


def _text(given: Given, key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise _Wrong(f"needs {key!r}, a text, and has {value!r}")
    return value


def _maybe(given: Given, key: str) -> str | None:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise _Wrong(f"has {key!r} {value!r}, which is no text")
    return value


def _object(given: Given, key: str) -> dict[str, Any]:
    value = given.get(key)
    if value is not None and not isinstance(value, dict):
        raise _Wrong(f"has {key!r} {value!r}, which is no object")
    return value or {}


def _truth(given: Given, key: str, default: bool | None = None) -> bool:
    value = given.get(key, default)
    if not isinstance(value, bool):
        raise _Wrong(f"needs {key!r}, true or false, and has {value!r}")
    return value


def _number(given: Given, key: str) -> float | None:
    value = given.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _Wrong(f"has {key!r} {value!r}, which is no number")
    return value


def _ran(given: Given) -> ActionEvent:
    return results.ActionRan(_text(given, "name"), _maybe(given, "policy"), _number(given, "confidence"))


def _rejected(given: Given) -> ActionEvent:
    return results.ActionWasRejected(_text(given, "name"), _maybe(given, "policy"), _number(given, "confidence"))


def _user(given: Given) -> ActionEvent:
    return results.UserSaid(_maybe(given, "text"), _object(given, "parse_data"), _maybe(given, "input_channel"))


def _bot(given: Given) -> ActionEvent:
    return results.BotSaid(_maybe(given, "text"), _object(given, "data"), _object(given, "metadata"))


def _reminder(given: Given) -> ActionEvent:
    return results.ReminderSet(
        intent=_text(given, "intent"),
        date_time=_text(given, "date_time"),
        entities=given.get("entities"),
        name=_maybe(given, "name"),
        kill_on_user_msg=_truth(given, "kill_on_user_msg", True),
    )


def _cancelled(given: Given) -> ActionEvent:
    return results.ReminderCancelled(_maybe(given, "name"), _maybe(given, "intent"), given.get("entities"))


READERS: dict[str, Callable[[Given], ActionEvent]] = {
    "slot": lambda given: results.SlotWasSet(_text(given, "name"), given.get("value")),
    "reset_slots": lambda _: results.SlotsReset(),
    "followup": lambda given: results.Followup(_text(given, "name")),
    "pause": lambda _: results.Paused(),
    "resume": lambda _: results.Resumed(),
    "restart": lambda _: results.Restarted(),
    "session_started": lambda _: results.SessionStarted(),
    "session_ended": lambda given: results.SessionEnded(_object(given, "metadata")),
    "active_loop": lambda given: results.LoopActivated(_maybe(given, "name")),
    "form": lambda given: results.LoopActivated(_maybe(given, "name")),
    "loop_interrupted": lambda given: results.LoopInterrupted(_truth(given, "is_interrupted")),
    "form_validation": lambda given: results.LoopInterrupted(not _truth(given, "validate")),
    "action": _ran,
    "action_execution_rejected": _rejected,
    "user": _user,
    "bot": _bot,
    "agent": lambda given: results.AgentSaid(_maybe(given, "text"), _object(given, "data")),
    "reminder": _reminder,
    "cancel_reminder": _cancelled,
    "rewind": lambda _: results.Rewound(),
    "undo": lambda _: results.Undone(),
    "export": lambda _: results.Exported(),
}
"""How every event of Rasa is read. `form` and `form_validation` are what `active_loop` and `loop_interrupted` were."""


OURS = ("text", "response", "template", "buttons", "elements", "image", "attachment", "custom")


def _response(given: object, problems: list[str]) -> ActionResponse | None:
    if not isinstance(given, dict):
        problems.append(f"a response is {_kind(given)}, not an object: ignored")
        return None
    try:
        return ActionResponse(
            text=None if given.get("text") is None else str(given["text"]),
            response=_maybe(given, "response") or _maybe(given, "template"),
            buttons=_objects(given, "buttons"),
            elements=_objects(given, "elements"),
            image=_maybe(given, "image"),
            attachment=given.get("attachment"),
            custom=given.get("custom") or None,
            values={key: value for key, value in given.items() if key not in OURS},
        )
    except _Wrong as wrong:
        problems.append(f"a response {wrong}: ignored")
        return None


def _objects(given: Given, key: str) -> tuple[dict[str, Any], ...]:
    value = given.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _Wrong(f"has {key!r} {value!r}, which is no list of objects")
    return tuple(value)


def _kind(given: object) -> str:
    return "null" if given is None else f"a {type(given).__name__}"
