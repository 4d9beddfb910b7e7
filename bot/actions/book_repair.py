"""Built-in: what a repair costs, and booking one. Source of the prices: the demo company's pages on repairs."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.finding import PARTS, matching
from bot.actions.shop.shop import Changes, Shop, Slots, bought

LABOUR = {
    **dict.fromkeys(("kettles", "toasters", "lamps", "irons", "hair care", "smart plugs", "kitchen"), 29.0),
    **dict.fromkeys(("blenders", "fans", "air purifiers", "climate"), 45.0),
    **dict.fromkeys(("vacuum cleaners", "espresso machines", "refurbished"), 69.0),
}
"""The fixed price of the labour by category, in euros; what is not here is not repaired."""
WAYS = {"shop": 0.0, "parcel": 6.95, "collection": 12.95}
"""What each way to the workshop costs without a warranty."""
YEARS = {"refurbished": 3}
WARRANTY_YEARS = 5


def quote_repair(shop: Shop, slots: Slots, key: str) -> Changes:
    """What repairing `repair_product` would cost, brought by `repair_way` (shop, parcel, collection); changes nothing.

    With a verified order (`order_number`, `order_proof`) that holds the product, the warranty is looked at. Sets
    `repair_result`: "possible", or why not ("unknown_product", "ambiguous", "not_repaired", "unknown_way",
    "bad_date": `repair_date` must be a coming weekday for a collection); `repair_product`, `repair_price`,
    `repair_under_warranty`, and `repair_choices` (text) where it is ambiguous.
    """
    del key
    with shop.begin() as connection:
        return _told(_terms(shop, connection, slots))


def book_repair(shop: Shop, slots: Slots, key: str) -> Changes:
    """Book it, once `repair_confirmed` is true. Sets `repair_result` "booked" and `repair_number`, or why not."""

    def work(connection: sa.Connection) -> Changes:
        terms = _terms(shop, connection, slots)
        if terms["repair_result"] != "possible":
            return _told(terms)
        if slots.get("repair_confirmed") is not True:
            return {**_told(terms), "repair_result": "not_confirmed"}
        number = connection.scalar(
            sa.insert(tables.repairs)
            .returning(tables.repairs.c.id)
            .values(
                product=terms["id"],
                order=terms["order"],
                fault=str(slots.get("repair_fault") or ""),
                way=slots["repair_way"],
                day=terms["day"],
                price=terms["repair_price"],
                created=shop.today(),
            )
        )
        return {**_told(terms), "repair_result": "booked", "repair_number": f"RP-{number:05}"}

    return shop.once(key, work)


def _terms(shop: Shop, connection: sa.Connection, slots: Slots) -> dict[str, Any]:
    product = tables.products.c
    rows = connection.execute(sa.select(tables.products).where(product.category.not_in(PARTS)).order_by(product.id))
    order = shop.order(connection, slots)
    meant = matching(slots.get("repair_product"), rows)
    if order is not None:  # of several that fit, the one that the customer bought
        own = {line.product for line in bought(connection, order.number)}
        meant = [row for row in meant if row.id in own] or meant
    models = list(dict.fromkeys(_model(row.name) for row in meant))
    if len({row.category for row in meant}) > 1 or len(models) > 1:
        return {"repair_result": "ambiguous", "repair_choices": ", ".join(models[:6])}
    if not meant:
        return {"repair_result": "unknown_product"}
    found = meant[0]
    if found.category not in LABOUR:
        return {"repair_result": "not_repaired", "repair_product": found.name}
    way, day = slots.get("repair_way"), _day(slots.get("repair_date"))
    if way not in WAYS:
        return {"repair_result": "unknown_way", "repair_product": found.name}
    if way == "collection" and (day is None or day <= shop.today() or day.weekday() > 4):
        return {"repair_result": "bad_date", "repair_product": found.name}
    covering = _covering(shop, connection, order, {row.id for row in meant})
    return {
        "repair_result": "possible",
        "repair_product": found.name,
        "repair_price": 0.0 if covering else round(LABOUR[found.category] + WAYS[way], 2),
        "repair_under_warranty": covering is not None,
        "id": found.id,
        "order": covering,
        "day": day if way == "collection" else None,
    }


def _model(name: str) -> str:
    """Colours of one model are repaired alike."""
    return name.partition(",")[0]


def _covering(shop: Shop, connection: sa.Connection, order: sa.Row[Any] | None, products: set[str]) -> str | None:
    """The number of the customer's order if it holds one of the products and its warranty still runs."""
    if order is None or order.delivered is None:
        return None
    for line in bought(connection, order.number):
        years = YEARS.get(line.category, WARRANTY_YEARS)
        if line.product in products and shop.today() <= _later(order.delivered, years):
            return str(order.number)
    return None


def _later(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _day(given: object) -> date | None:
    """The day of an ISO date, with or without a time."""
    try:
        return date.fromisoformat(str(given or "")[:10])
    except ValueError:
        return None


TOLD = ("repair_price", "repair_under_warranty", "repair_number", "repair_choices")
OURS = ("id", "order", "day")


def _told(terms: dict[str, Any]) -> Changes:
    return dict.fromkeys(TOLD) | {key: value for key, value in terms.items() if key not in OURS}
