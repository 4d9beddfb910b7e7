"""What went wrong with the database and what to do, in words; never a statement, a parameter or a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.errors import StoreError

BUSY_SECONDS = 5.0
"""How long a statement waits for somebody else's lock."""

KNOWN = (
    ("disk is full", "the disk is full: make room for the database {where}"),
    ("no space left", "the disk is full: make room for the database {where}"),
    (
        "locked",
        f"the database {{where}} is locked by another program ({BUSY_SECONDS:g} s waited): end it, or try again",
    ),
    ("lock timeout", f"the database {{where}} is locked ({BUSY_SECONDS:g} s waited): try again"),
    ("readonly", "the database {where} cannot be written: check its permissions"),
    ("malformed", "the database {where} is damaged: restore it from a backup"),
    ("not a database", "the file {where} is not a database, or damaged"),
    ("disk i/o error", "the disk under the database {where} fails, or is full"),
)
"""What the databases say, and what it means."""


class Locked(StoreError):
    """Somebody else has held the database's lock for BUSY_SECONDS."""


@contextmanager
def explained(url: sa.URL) -> Iterator[None]:
    """StoreError instead of whatever SQLAlchemy, a driver or the network raises."""
    try:
        yield
    except SQLAlchemyError as error:
        said = _explain(error, url)
        raise (Locked(said) if " is locked " in said else StoreError(said)) from None
    except OSError as error:
        raise StoreError(f"the database cannot be reached: {error.strerror or type(error).__name__}") from None


def _explain(error: SQLAlchemyError, url: sa.URL) -> str:
    where = url.render_as_string(hide_password=True)
    if not isinstance(error, DBAPIError):
        return f"the database {where} cannot be used: {type(error).__name__}"
    reason = (str(error.orig).splitlines() or [""])[0]  # further lines may show a row
    for said, meaning in KNOWN:
        if said in reason.lower():
            return meaning.format(where=where)
    if isinstance(error, sa.exc.OperationalError) and url.get_backend_name() != "sqlite":
        return f"the connection to the database {where} failed: {reason}"
    return f"the database {where} failed: {type(error.orig).__name__}: {reason}"
