"""The built-in actions by name: functions of the shop's database, made into rasa-sdk actions.

A built-in action is one file and its lines in `TABLE`: a function of the shop, the conversation's slots and the call's
idempotency key, that gives back the slots that it sets. It says nothing: what is said stands in the bot's domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import ConfigError

if TYPE_CHECKING:
    from rasa_sdk import Action

    from bot.actions.shop.shop import Shop

TABLE: Mapping[str, str] = {
    "action_find_order": "bot.actions.find_order:find_order",
    "action_check_return": "bot.actions.start_return:check_return",
    "action_start_return": "bot.actions.start_return:start_return",
    "action_change_address": "bot.actions.change_address:change_address",
    "action_find_subscription": "bot.actions.cancel_subscription:find_subscription",
    "action_cancel_subscription": "bot.actions.cancel_subscription:cancel_subscription",
    "action_quote_repair": "bot.actions.book_repair:quote_repair",
    "action_book_repair": "bot.actions.book_repair:book_repair",
    "action_cancel_order": "bot.actions.cancel_order:cancel_order",
    "action_check_parcel": "bot.actions.report_parcel:check_parcel",
    "action_report_parcel": "bot.actions.report_parcel:report_parcel",
    "action_change_email": "bot.actions.change_email:change_email",
    "action_find_invoice": "bot.actions.send_invoice:find_invoice",
    "action_send_invoice": "bot.actions.send_invoice:send_invoice",
    "action_look_up_stock": "bot.actions.look_up_stock:look_up_stock",
}


def shop_actions(url: str, products: Path) -> list[Action]:
    """The built-in actions over the shop's database at this SQLAlchemy URL, which is made and filled with the demo
    company's rows where it is empty.
    """
    from bot.actions.shop.shop import Shop

    shop = Shop(url)
    shop.prepare(products)
    return builtin_actions(shop)


Work = Callable[["Shop", Mapping[str, Any], str], dict[str, Any]]


def builtin_actions(shop: Shop, names: Mapping[str, str] = TABLE) -> list[Action]:
    """The actions of the table, over this shop. Raises ConfigError for an entry that cannot be loaded."""
    return [_made(name, _load(name, place), shop) for name, place in names.items()]


def _load(name: str, place: str) -> Work:
    module, _, function = place.partition(":")
    try:
        work: Work = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the built-in action {name} cannot be loaded from {place}: {error}") from error
    return work


def _made(name: str, work: Work, shop: Shop) -> Action:
    from rasa_sdk import Action
    from rasa_sdk.events import SlotSet

    class BuiltIn(Action):  # type: ignore[misc]
        def name(self) -> str:
            return name

        def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
            del dispatcher
            key = (tracker.latest_message.get("metadata") or {}).get("idempotency_key", "")
            changes = work(shop, tracker.slots, key)
            known = domain.get("slots", changes)  # a bot need not have a slot for all that could be told
            return [SlotSet(slot, value) for slot, value in changes.items() if slot in known]

    return BuiltIn()
