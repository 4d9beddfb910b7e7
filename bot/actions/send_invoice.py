"""Built-in: a copy of an order's invoice, sent to the address that the shop has of the customer and to no other."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.shop import Changes, Shop, Slots


def find_invoice(shop: Shop, slots: Slots, key: str) -> Changes:
    """Whether there is an invoice of the order (`order_number`, `order_proof`); changes nothing.

    Sets `invoice_result`: "ready", or why there is none ("not_verified", "not_shipped", "cancelled"), and
    `invoice_email`, where it would go, as much of it as shows whether it is the right one ("a***@example.com").
    """
    del key
    with shop.begin() as connection:
        order = shop.order(connection, slots)
        return {"invoice_result": _result(order), "invoice_email": None if order is None else _veiled(order.email)}


def send_invoice(shop: Shop, slots: Slots, key: str) -> Changes:
    """Have it sent, once `invoice_confirmed` is true. Sets `invoice_result` "sent", or why not."""

    def work(connection: sa.Connection) -> Changes:
        order = shop.order(connection, slots)
        result = _result(order)
        if order is None or result != "ready":
            return {"invoice_result": result}
        if slots.get("invoice_confirmed") is not True:
            return {"invoice_result": "not_confirmed"}
        row = {"order": order.number, "email": order.email, "created": shop.today()}
        connection.execute(sa.insert(tables.invoices), row)
        return {"invoice_result": "sent", "invoice_email": _veiled(order.email)}

    return shop.once(key, work)


def _result(order: sa.Row[Any] | None) -> str:
    if order is None:
        return "not_verified"
    if order.status == "cancelled":
        return "cancelled"
    return "ready" if order.status in ("shipped", "delivered") else "not_shipped"


def _veiled(email: str) -> str:
    name, _, host = email.partition("@")
    return f"{name[:1]}***@{host}"
