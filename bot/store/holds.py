"""Something is held from a moment until another one: a lease, a reply that was postponed.

Both ends are kept, so that a clock that jumps back frees what it would otherwise hold for years.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

SLACK = timedelta(seconds=5)
"""A clock that is set back by less than this, or another machine's clock, changes nothing."""


def free(since: sa.Column[datetime], until: sa.Column[datetime], now: datetime) -> sa.ColumnElement[bool]:
    """Nobody holds it at `now`: it never was held, the time is over, or it would begin in the future."""
    return sa.or_(until.is_(None), until <= now, since > now + SLACK)
