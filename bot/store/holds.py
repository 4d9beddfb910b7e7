"""Something is held from a moment until another one: a lease, a reply that was postponed.

Both ends are kept, so that a clock that jumps back frees what it would otherwise hold for years.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

SLACK = timedelta(seconds=5)
"""A clock that is set back by less than this, or another machine's clock, changes nothing."""


def free(since: sa.Column[datetime], until: sa.Column[datetime]) -> sa.ColumnElement[bool]:
    """Nobody holds it: it never was held, the time is over, or it would begin in the future. Run with `moments`."""
    return sa.or_(until.is_(None), until <= sa.bindparam("held_now"), since > sa.bindparam("held_soon"))


def moments(now: datetime) -> dict[str, datetime]:
    """What a statement with `free` in it is run with."""
    return {"held_now": now, "held_soon": now + SLACK}
