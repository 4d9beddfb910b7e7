"""Built-in: a parcel that was lost or came damaged, and reporting it. Source of the terms: the demo company's pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.actions.shop import tables
from bot.actions.shop.finding import matching
from bot.actions.shop.shop import Changes, Shop, Slots, bought

DAMAGED = timedelta(days=7)
MISSING = timedelta(days=14)
"""So long after the delivery it can be reported here; later a person looks at it."""
UNDER_WAY = timedelta(days=5)
"""So long after the order a parcel may be on its way before it counts as late."""


def check_parcel(shop: Shop, slots: Slots, key: str) -> Changes:
    """What reporting `claim_problem` (damaged, wrong, incomplete, missing) of the order (`order_number`, `order_proof`)
    would come to; changes nothing. All but a missing parcel are about one item, `claim_item`.

    Sets `claim_result`: "possible", or why not ("not_verified", "not_sent", "wait" until `claim_wait_until`,
    "too_late", "unknown_item", "already"); `claim_item` and `claim_refund`.
    """
    del key
    with shop.begin() as connection:
        return _told(_terms(shop, connection, slots))


def report_parcel(shop: Shop, slots: Slots, key: str) -> Changes:
    """Report it, once `claim_confirmed` is true, with what the customer wants: `claim_wish` (replacement, refund).

    Sets `claim_result` "reported" and `claim_number`, or why not ("not_confirmed" is a reason too).
    """

    def work(connection: sa.Connection) -> Changes:
        terms = _terms(shop, connection, slots)
        if terms["claim_result"] != "possible":
            return _told(terms)
        if slots.get("claim_confirmed") is not True or slots.get("claim_wish") not in ("replacement", "refund"):
            return {**_told(terms), "claim_result": "not_confirmed"}
        number = connection.scalar(
            sa.insert(tables.claims)
            .returning(tables.claims.c.id)
            .values(
                order=terms["order"],
                product=terms["product"],
                problem=slots["claim_problem"],
                wish=slots["claim_wish"],
                refund=terms["claim_refund"] if slots["claim_wish"] == "refund" else 0.0,
                created=shop.today(),
            )
        )
        return {**_told(terms), "claim_result": "reported", "claim_number": f"CL-{number:05}"}

    return shop.once(key, work)


def _terms(shop: Shop, connection: sa.Connection, slots: Slots) -> dict[str, Any]:
    order = shop.order(connection, slots)
    if order is None:
        return {"claim_result": "not_verified"}
    missing = slots.get("claim_problem") == "missing"
    if (reason := _untimely(shop, order, missing=missing)) is not None:
        return reason
    held = bought(connection, order.number)
    item = slots.get("claim_item")
    meant = held if missing or (len(held) == 1 and not item) else matching(item, held)
    if not meant or (len(meant) > 1 and not missing):
        return {"claim_result": "unknown_item"}
    product = None if missing else meant[0].product
    table = tables.claims.c
    same = table.product.is_(None) if product is None else sa.or_(table.product == product, table.product.is_(None))
    begun = connection.scalar(sa.select(sa.exists().where(table.order == order.number, same)))
    return {
        "claim_result": "already" if begun else "possible",
        "claim_item": ", ".join(line.name for line in meant),
        "claim_refund": round(sum(line.quantity * line.price for line in meant), 2),
        "order": order.number,
        "product": product,
    }


def _untimely(shop: Shop, order: sa.Row[Any], *, missing: bool) -> dict[str, Any] | None:
    """Why it is too early or too late; None where it is neither."""
    if order.status in ("received", "packed", "cancelled") or (order.delivered is None and not missing):
        return {"claim_result": "not_sent"}
    if order.delivered is None:
        until = order.placed + UNDER_WAY
        return {"claim_result": "wait", "claim_wait_until": until.isoformat()} if shop.today() <= until else None
    late = shop.today() > order.delivered + (MISSING if missing else DAMAGED)
    return {"claim_result": "too_late"} if late else None


TOLD = ("claim_refund", "claim_number", "claim_wait_until")
OURS = ("order", "product")


def _told(terms: dict[str, Any]) -> Changes:
    return dict.fromkeys(TOLD) | {key: value for key, value in terms.items() if key not in OURS}
