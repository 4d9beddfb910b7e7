"""Built-in: what a return comes to, and starting it. Source of the terms: the demo company's pages on returns."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.finding import matching
from bot.actions.shop.shop import Changes, Shop, Slots, bought

WINDOW = timedelta(days=30)
HOLIDAYS = ((11, 15), (12, 24))
"""What is ordered between these days can be returned until 31 January."""
EXCLUDED = frozenset(["gift cards"])
LABELS = {"NL": 0.0, "BE": 0.0, "DE": 4.95, "FR": 4.95, "LU": 4.95}
LABEL_EU = 9.95
OUTSIDE = frozenset(["GB", "CH", "NO"])
"""Here customers send it themselves: nothing is taken off."""


def check_return(shop: Shop, slots: Slots, key: str) -> Changes:
    """What returning `return_item` of the order (`order_number`, `order_proof`) would come to; changes nothing.

    Sets `return_result`: "possible", or why not ("not_verified", "unknown_item", "not_delivered", "excluded",
    "too_late", "already"); `return_item` (the product's name), `return_refund`, `return_label_cost`, `return_until`.
    """
    del key
    with shop.begin() as connection:
        return _told(_terms(shop, connection, slots))


def start_return(shop: Shop, slots: Slots, key: str) -> Changes:
    """Start the return that `check_return` told of, once `return_confirmed` is true.

    Sets `return_result` "started" and `return_number`, or why it was not started ("not_confirmed" is a reason too).
    """

    def work(connection: sa.Connection) -> Changes:
        terms = _terms(shop, connection, slots)
        if terms["return_result"] != "possible":
            return _told(terms)
        if slots.get("return_confirmed") is not True:
            return {**_told(terms), "return_result": "not_confirmed"}
        line = terms["line"]
        number = connection.scalar(
            sa.insert(tables.returns)
            .returning(tables.returns.c.id)
            .values(
                order=line.order,
                product=line.product,
                reason=str(slots.get("return_reason") or ""),
                refund=terms["return_refund"],
                created=shop.today(),
            )
        )
        return {**_told(terms), "return_result": "started", "return_number": f"RT-{number:05}"}

    return shop.once(key, work)


def last_day(placed: date, delivered: date) -> date:
    """The last day on which an order can be returned."""
    usual = delivered + WINDOW
    if HOLIDAYS[0] <= (placed.month, placed.day) <= HOLIDAYS[1]:
        return max(usual, date(placed.year + 1, 1, 31))
    return usual


def label_cost(country: str) -> float:
    """What the return label costs from a country, in euros."""
    return 0.0 if country in OUTSIDE else LABELS.get(country, LABEL_EU)


def _terms(shop: Shop, connection: sa.Connection, slots: Slots) -> dict[str, Any]:
    order = shop.order(connection, slots)
    if order is None:
        return {"return_result": "not_verified"}
    held = bought(connection, order.number)
    meant = held if len(held) == 1 and not slots.get("return_item") else matching(slots.get("return_item"), held)
    if len(meant) != 1:
        return {"return_result": "unknown_item"}
    (line,) = meant
    label = label_cost(order.country)
    refund = round(max(0.0, line.price * line.quantity - label), 2)
    terms = {"line": line, "return_item": line.name, "return_refund": refund, "return_label_cost": label}
    if line.category in EXCLUDED:
        return terms | {"return_result": "excluded"}
    if order.delivered is None:
        return terms | {"return_result": "not_delivered"}
    until = last_day(order.placed, order.delivered)
    terms["return_until"] = until.isoformat()
    table = tables.returns.c
    begun = sa.select(sa.exists().where(table.order == line.order, table.product == line.product))
    if connection.scalar(begun):
        return terms | {"return_result": "already"}
    return terms | {"return_result": "possible" if shop.today() <= until else "too_late"}


TOLD = ("return_refund", "return_label_cost", "return_until", "return_number")


def _told(terms: dict[str, Any]) -> Changes:
    return dict.fromkeys(TOLD) | {key: value for key, value in terms.items() if key != "line"}
