"""Built-in: whether a product can be had."""

from __future__ import annotations

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.finding import matching
from bot.actions.shop.shop import Changes, Shop, Slots

FEW = 5


def look_up_stock(shop: Shop, slots: Slots, key: str) -> Changes:
    """From `product`, as the customer calls it, and what was said more of it (`product_detail`: a colour, a size).

    Sets `stock_result`: "in_stock", "few_left" (five or fewer), "expected" (`stock_expected`, ISO date), "sold_out",
    "retired", "ambiguous" (`stock_choices`, text) or "unknown"; `stock_product` and `stock_price`.
    """
    del key
    said = f"{slots.get('product') or ''} {slots.get('product_detail') or ''}"
    with shop.begin() as connection:
        rows = connection.execute(sa.select(tables.products).order_by(tables.products.c.id))
        found = matching(said, rows)
    told: Changes = dict.fromkeys(("stock_product", "stock_price", "stock_expected", "stock_choices"))
    if len(found) != 1:
        choices = ", ".join(row.name for row in found[:6]) or None
        return {**told, "stock_result": "ambiguous" if found else "unknown", "stock_choices": choices}
    (row,) = found
    told |= {"stock_product": row.name, "stock_price": row.price}
    if row.retired:
        return {**told, "stock_result": "retired"}
    if row.stock:
        return {**told, "stock_result": "few_left" if row.stock <= FEW else "in_stock"}
    if row.expected:
        return {**told, "stock_result": "expected", "stock_expected": row.expected.isoformat()}
    return {**told, "stock_result": "sold_out"}
