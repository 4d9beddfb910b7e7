"""What the demo company's database holds: made of its products and the lines below, the same on every machine.

Dates count back from the day on which it is made, so that what can be returned today can be returned in any demo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.actions.shop import tables

CUSTOMERS: Sequence[tuple[int, str, str, str, str]] = (
    (1, "Anna de Vries", "anna@example.com", "2011 HB", "NL"),
    (2, "Jonas Weber", "jonas@example.com", "50667", "DE"),
    (3, "Li Wei", "liwei@example.com", "1012 AB", "NL"),
    (4, "Claire Dubois", "claire@example.com", "1000", "BE"),
    (5, "Tom Baker", "tom@example.com", "SW1A 1AA", "GB"),
)

STREETS = {
    1: ("Grote Markt 2", "Haarlem"),
    2: ("Domkloster 4", "Köln"),
    3: ("Damrak 70", "Amsterdam"),
    4: ("Rue Neuve 11", "Bruxelles"),
    5: ("Whitehall 5", "London"),
}

ORDERS: Sequence[tuple[str, int, str, int, int | None, str | None, tuple[tuple[str, int], ...]]] = (
    # number, customer, status, placed and delivered so many days ago, tracking, (product, quantity) ...
    ("TW-48210733", 1, "received", 0, None, None, (("TW-K200", 1), ("TW-S202", 2))),
    ("TW-48210655", 1, "delivered", 8, 6, "TWP 0012 345 601", (("TW-T150", 1),)),
    ("TW-48209981", 2, "delivered", 12, 9, "TWP 0012 345 587", (("TW-E500", 1), ("TW-S303", 1))),
    ("TW-48203312", 3, "delivered", 48, 45, "TWP 0012 341 120", (("TW-L120", 1),)),
    ("TW-48210102", 3, "shipped", 2, None, "TWP 0012 345 678", (("TW-F300", 1),)),
    ("TW-48208440", 4, "delivered", 15, 12, "TWP 0012 344 019", (("TW-GIFT50", 1), ("TW-H350", 1))),
    ("TW-48101277", 4, "delivered", 403, 400, "TWP 0011 002 233", (("TW-K150", 1), ("TW-V700R", 1))),
    ("TW-47655020", 5, "delivered", 2203, 2200, "TWP 0008 765 432", (("TW-V250", 1),)),
    ("TW-48210500", 5, "packed", 1, None, None, (("TW-B400", 1),)),
    ("TW-48207719", 2, "cancelled", 20, None, None, (("TW-A300", 1),)),
)

SUBSCRIPTIONS: Sequence[tuple[str, int, str, int, int, int | None]] = (
    # number, customer, product, months, next delivery in so many days, ended so many days ago
    ("SUB-10231", 1, "TW-S302", 3, 21, None),
    ("SUB-10245", 2, "TW-S303", 2, 9, None),
    ("SUB-10250", 2, "TW-S601", 12, 140, None),
    ("SUB-10198", 3, "TW-S702", 12, 60, 30),
)


def fill(connection: sa.Connection, products: Path, today: date) -> None:
    """Write the demo company's rows into empty tables. `products` is its products.jsonl."""
    listed: list[dict[str, Any]] = [json.loads(line) for line in products.read_text(encoding="utf-8").splitlines()]
    prices = {item["id"]: item["price"] for item in listed}
    connection.execute(
        sa.insert(tables.products), [_product(item, number, today) for number, item in enumerate(listed)]
    )
    names = ("id", "name", "email", "postcode", "country")
    connection.execute(sa.insert(tables.customers), [dict(zip(names, row, strict=True)) for row in CUSTOMERS])
    people = {row[0]: row for row in CUSTOMERS}
    for number, customer, status, placed, delivered, tracking, bought in ORDERS:
        street, city = STREETS[customer]
        connection.execute(
            sa.insert(tables.orders),
            {
                "number": number,
                "customer": customer,
                "status": status,
                "placed": today - timedelta(days=placed),
                "delivered": None if delivered is None else today - timedelta(days=delivered),
                "tracking": tracking,
                "street": street,
                "postcode": people[customer][3],
                "city": city,
                "country": people[customer][4],
            },
        )
        rows = [{"order": number, "product": item, "quantity": many, "price": prices[item]} for item, many in bought]
        connection.execute(sa.insert(tables.lines), rows)
    for number, customer, product, months, ahead, ended in SUBSCRIPTIONS:
        row = {"number": number, "customer": customer, "product": product, "months": months}
        days = {
            "next": today + timedelta(days=ahead),
            "ended": None if ended is None else today - timedelta(days=ended),
        }
        connection.execute(sa.insert(tables.subscriptions), row | days)


def _product(item: dict[str, Any], number: int, today: date) -> dict[str, Any]:
    """`in_stock` becomes a count that depends on nothing but the line's place in the file."""
    retired = "(retired)" in item["name"]
    gone = not item["in_stock"]
    return {
        **{key: item[key] for key in ("id", "name", "name_zh", "category", "price")},
        "stock": 0 if gone else 2 + number * 7 % 40,
        "expected": today + timedelta(days=10 + number % 5) if gone and not retired else None,
        "retired": retired,
    }
