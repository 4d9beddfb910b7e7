"""Built-in: cancel an order, as long as it is not being packed."""

from __future__ import annotations

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.shop import Changes, Shop, Slots


def cancel_order(shop: Shop, slots: Slots, key: str) -> Changes:
    """Cancel the order (`order_number`, `order_proof`), once `cancel_confirmed` is true.

    Sets `cancel_result`: "cancelled", or why not ("not_verified", "too_late", "already", "not_confirmed").
    """

    def work(connection: sa.Connection) -> Changes:
        order = shop.order(connection, slots)
        if order is None:
            return {"cancel_result": "not_verified"}
        if order.status != "received":
            return {"cancel_result": "already" if order.status == "cancelled" else "too_late"}
        if slots.get("cancel_confirmed") is not True:
            return {"cancel_result": "not_confirmed"}
        table = tables.orders
        changed = sa.update(table).where(table.c.number == order.number, table.c.status == "received")
        connection.execute(changed.values(status="cancelled"))
        return {"cancel_result": "cancelled", "order_status": "cancelled"}

    return shop.once(key, work)
