"""Built-in: find an order. It shows nothing of one whose e-mail address or postcode the customer does not know."""

from __future__ import annotations

from bot.actions.shop.shop import Changes, Shop, Slots, bought


def find_order(shop: Shop, slots: Slots, key: str) -> Changes:
    """From `order_number` and `order_proof` (e-mail address or postcode).

    Sets `order_verified`, and where that is true `order_status` (received, packed, shipped, delivered, cancelled),
    `order_placed`, `order_delivered` (ISO dates), `order_tracking`, `order_items` (text), `order_total` and
    `order_address`; else these are taken away.
    """
    del key  # nothing is changed
    with shop.begin() as connection:
        order = shop.order(connection, slots)
        if order is None:
            return {"order_verified": False, **dict.fromkeys(TOLD)}
        held = bought(connection, order.number)
    return {
        "order_verified": True,
        "order_number": order.number,
        "order_status": order.status,
        "order_placed": order.placed.isoformat(),
        "order_delivered": order.delivered.isoformat() if order.delivered else None,
        "order_tracking": order.tracking,
        "order_items": ", ".join(f"{line.quantity} × {line.name}" for line in held),
        "order_total": round(sum(line.quantity * line.price for line in held), 2),
        "order_address": f"{order.street}, {order.postcode} {order.city}",
    }


TOLD = (
    "order_status",
    "order_placed",
    "order_delivered",
    "order_tracking",
    "order_items",
    "order_total",
    "order_address",
)
