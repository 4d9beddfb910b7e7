"""Built-in: a customer's subscriptions, and ending one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.finding import matching
from bot.actions.shop.shop import Changes, Shop, Slots


def find_subscription(shop: Shop, slots: Slots, key: str) -> Changes:
    """The subscription that `subscription` names (its number or what it brings) of the customer whose order
    (`order_number`, `order_proof`) is known; without a name the only one.

    Sets `subscription_result`: "found", "ended", "none", "ambiguous" or "not_verified"; `subscription_number`,
    `subscription_name`, `subscription_next` (ISO date), and `subscription_choices` (text) where there are several.
    """
    del key
    with shop.begin() as connection:
        return _find(shop, connection, slots)


def cancel_subscription(shop: Shop, slots: Slots, key: str) -> Changes:
    """End that subscription, once `subscription_confirmed` is true.

    Sets `subscription_result` "cancelled", or why not ("not_confirmed" is a reason too).
    """

    def work(connection: sa.Connection) -> Changes:
        found = _find(shop, connection, slots)
        if found["subscription_result"] != "found":
            return found
        if slots.get("subscription_confirmed") is not True:
            return {**found, "subscription_result": "not_confirmed"}
        table = tables.subscriptions
        ended = sa.update(table).where(table.c.number == found["subscription_number"], table.c.ended.is_(None))
        connection.execute(ended.values(ended=shop.today()))
        return {**found, "subscription_result": "cancelled", "subscription_next": None}

    return shop.once(key, work)


TOLD = ("subscription_number", "subscription_name", "subscription_next", "subscription_choices")


def _find(shop: Shop, connection: sa.Connection, slots: Slots) -> Changes:
    nothing: dict[str, Any] = dict.fromkeys(TOLD)
    order = shop.order(connection, slots)
    if order is None:
        return {**nothing, "subscription_result": "not_verified"}
    table, product = tables.subscriptions.c, tables.products.c
    query = sa.select(tables.subscriptions, product.name, product.name_zh, product.category)
    held = query.join(tables.products, product.id == table.product).where(table.customer == order.customer)
    rows = list(connection.execute(held.order_by(table.number)))
    meant = _meant(str(slots.get("subscription_number") or slots.get("subscription") or ""), rows)
    if not meant:
        return {**nothing, "subscription_result": "none"}
    if len(meant) > 1:
        choices = ", ".join(f"{row.name} ({row.number})" for row in meant)
        return {**nothing, "subscription_result": "ambiguous", "subscription_choices": choices}
    (row,) = meant
    return {
        **nothing,
        "subscription_result": "ended" if row.ended else "found",
        "subscription_number": row.number,
        "subscription_name": row.name,
        "subscription_next": None if row.ended else row.next.isoformat(),
    }


def _meant(said: str, rows: list[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """By number, else by product among those that run, else by product among all."""
    numbered = [row for row in rows if row.number.casefold() in said.casefold()]
    if numbered:
        return numbered
    running = [row for row in rows if not row.ended]
    if not said:
        return running or rows
    return matching(said, running) or matching(said, rows)
