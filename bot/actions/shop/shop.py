"""The shop's database behind the built-in actions: who may see an order, and what was done already.

Everything is synchronous: actions run in threads (`bot.actions.threads`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.actions.shop import demo, tables
from bot.types import now

Slots = Mapping[str, Any]
Changes = dict[str, Any]

ATTEMPTS = 5
"""So many wrong proofs for one order on one day, and it stays closed until the next."""

ORDER_NUMBER = re.compile(r"\b(?:TW)?[-\s#]*(\d{8})\b", re.IGNORECASE)


def today_here() -> date:
    """The day, UTC."""
    return now().date()


class Shop:
    """A database by its SQLAlchemy URL. `today` tells the day."""

    def __init__(self, url: str, *, today: Callable[[], date] = today_here) -> None:
        # A connection a transaction: actions run in whatever thread is free.
        self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        self.today = today

    def prepare(self, products: Path) -> None:
        """Make the tables and fill them with the demo company's rows, unless that was done before."""
        with self._engine.begin() as connection:
            tables.metadata.create_all(connection)
            if connection.scalar(sa.select(sa.func.count()).select_from(tables.products)) == 0:
                demo.fill(connection, products, self.today())

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction."""
        with self._engine.begin() as connection:
            yield connection

    def once(self, key: str, work: Callable[[sa.Connection], Changes]) -> Changes:
        """Do the work in one transaction and remember under `key` what it came to; with a key that is known already,
        tell that and do nothing. Without a key it is simply done.
        """
        table = tables.done
        try:
            with self.begin() as connection:
                if key:  # written first: of two calls at once the second fails here, and then finds the first one's
                    connection.execute(sa.insert(table), {"key": key, "slots": "{}"})
                changes = work(connection)
                if key:
                    connection.execute(sa.update(table).where(table.c.key == key).values(slots=json.dumps(changes)))
                return changes
        except sa.exc.IntegrityError:
            with self.begin() as connection:
                known = connection.scalar(sa.select(table.c.slots).where(table.c.key == key))
            if known is None:
                raise
            told: Changes = json.loads(known)
            return told

    def order(self, connection: sa.Connection, slots: Slots) -> sa.Row[Any] | None:
        """The order of `order_number`, where `order_proof` is its e-mail address or postcode; else None.

        Whether the number or the proof is wrong is not told, and guessing ends after a few attempts.
        """
        number, proof = order_number(slots.get("order_number")), str(slots.get("order_proof") or "")
        if number is None or not proof.strip():
            return None
        customer = tables.customers.c
        found = connection.execute(
            sa.select(tables.orders, customer.email, customer.name, customer.postcode.label("home"))
            .join(tables.customers, customer.id == tables.orders.c.customer)
            .where(tables.orders.c.number == number)
        ).one_or_none()
        if found is None or self._wrong(connection, number) >= ATTEMPTS:
            return None
        if _same(proof, found.email) or _same(proof, found.home) or _same(proof, found.postcode):
            return found
        self._count(connection, number)
        return None

    def _wrong(self, connection: sa.Connection, number: str) -> int:
        table = tables.attempts
        query = sa.select(table.c.wrong).where(table.c.order == number, table.c.day == self.today())
        return connection.scalar(query) or 0

    def _count(self, connection: sa.Connection, number: str) -> None:
        table = tables.attempts
        at = (table.c.order == number, table.c.day == self.today())
        if not connection.execute(sa.update(table).where(*at).values(wrong=table.c.wrong + 1)).rowcount:
            connection.execute(sa.insert(table), {"order": number, "day": self.today(), "wrong": 1})


def order_number(given: object) -> str | None:
    """`TW-48210733` of however a customer writes it ("48210733", "tw 48210733"); None where it is no order number."""
    found = ORDER_NUMBER.search(str(given or ""))
    return f"TW-{found[1]}" if found else None


def bought(connection: sa.Connection, number: str) -> list[sa.Row[Any]]:
    """What an order holds: lines with the product's name and category, in the order of the products' ids."""
    product = tables.products.c
    return list(
        connection.execute(
            sa.select(tables.lines, product.name, product.name_zh, product.category)
            .join(tables.products, product.id == tables.lines.c.product)
            .where(tables.lines.c.order == number)
            .order_by(tables.lines.c.product)
        )
    )


def _same(given: str, kept: str) -> bool:
    """Blanks, case and a closing full stop do not count."""
    return re.sub(r"\s", "", given).rstrip(".。").casefold() == re.sub(r"\s", "", kept).casefold()
