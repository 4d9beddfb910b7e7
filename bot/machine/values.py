"""Whether a value fits a slot, and what is said if not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bot.flows.model import Slot

_YES = frozenset(["true", "yes", "y", "1", "on", "是", "对", "好"])
_NO = frozenset(["false", "no", "n", "0", "off", "否", "不"])


@dataclass(frozen=True, slots=True)
class Unfit:
    """The value is none for this slot; `template` says so."""

    template: str


def fitted(slot: Slot, value: Any) -> Any:  # noqa: PLR0911 - one a type
    """The value as the slot's type has it, or Unfit. None (nothing) fits everywhere."""
    if value is None:
        return None
    match slot.type:
        case "bool":
            return _bool(value)
        case "float":
            return _float(slot, value)
        case "categorical":
            return _choice(slot, value)
        case "text":
            return value if isinstance(value, str) else str(value)
        case "list":
            return value if isinstance(value, list) else [value]
        case _:
            return value


def _bool(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _YES or word in _NO:
        return word in _YES
    return Unfit("utter_boolean_slot_rejection")


def _float(slot: Slot, value: Any) -> Any:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    low = -math.inf if slot.least is None else slot.least
    high = math.inf if slot.most is None else slot.most
    if not math.isfinite(number) or not low <= number <= high:
        return Unfit("utter_float_slot_rejection")
    return number


def _choice(slot: Slot, value: Any) -> Any:
    word = str(value).strip().casefold()
    found = next((choice for choice in slot.values if choice.casefold() == word), None)
    return Unfit("utter_categorical_slot_rejection") if found is None else found
