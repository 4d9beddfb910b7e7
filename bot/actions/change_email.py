"""Built-in: change a customer's e-mail address."""

from __future__ import annotations

import re

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.shop import Changes, Shop, Slots

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")


def change_email(shop: Shop, slots: Slots, key: str) -> Changes:
    """Give the customer of the order (`order_number`, `order_proof`) the address `new_email`, once `email_confirmed` is
    true.

    Sets `email_result`: "changed", or why not ("not_verified", "incomplete", "in_use", "not_confirmed").
    """

    def work(connection: sa.Connection) -> Changes:
        order = shop.order(connection, slots)
        if order is None:
            return {"email_result": "not_verified"}
        email = str(slots.get("new_email") or "").strip()
        if not ADDRESS.fullmatch(email):
            return {"email_result": "incomplete"}
        table = tables.customers
        others = table.c.id != order.customer
        taken = sa.exists().where(sa.func.lower(table.c.email) == email.lower(), others)
        if connection.scalar(sa.select(taken)):
            return {"email_result": "in_use"}
        if slots.get("email_confirmed") is not True:
            return {"email_result": "not_confirmed"}
        connection.execute(sa.update(table).where(table.c.id == order.customer).values(email=email))
        return {"email_result": "changed"}

    return shop.once(key, work)
