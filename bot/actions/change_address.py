"""Built-in: change where an order goes, as long as it is not being packed."""

from __future__ import annotations

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.shop import Changes, Shop, Slots

NEEDED = ("new_street", "new_postcode", "new_city")


def change_address(shop: Shop, slots: Slots, key: str) -> Changes:
    """Send the order (`order_number`, `order_proof`) to `new_street`, `new_postcode`, `new_city` in the same country,
    once `address_confirmed` is true.

    Sets `address_result`: "changed", or why not ("not_verified", "too_late", "incomplete", "not_confirmed"), and
    `order_address`, where it goes now.
    """

    def work(connection: sa.Connection) -> Changes:
        order = shop.order(connection, slots)
        if order is None:
            return {"address_result": "not_verified"}
        now = {"order_address": f"{order.street}, {order.postcode} {order.city}"}
        if order.status != "received":
            return {**now, "address_result": "too_late"}
        street, postcode, city = (str(slots.get(name) or "").strip() for name in NEEDED)
        if not (street and postcode and city):
            return {**now, "address_result": "incomplete"}
        if slots.get("address_confirmed") is not True:
            return {**now, "address_result": "not_confirmed"}
        table = tables.orders
        changed = sa.update(table).where(table.c.number == order.number, table.c.status == "received")
        connection.execute(changed.values(street=street, postcode=postcode, city=city))
        return {"address_result": "changed", "order_address": f"{street}, {postcode} {city}"}

    return shop.once(key, work)
