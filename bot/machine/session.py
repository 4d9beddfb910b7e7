"""When a session ends, and what begins one."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.flows.model import SessionConfig
from bot.state import State

STARTS = ("pattern_session_start",)
"""The repair flows that a new session begins with, where the bot has its own of them."""


def expired(state: State, session: SessionConfig, now: datetime) -> bool:
    """Whether the customer was silent for so long that what was open is given up. `now`: UTC."""
    if state.heard is None or not session.expiration_minutes:
        return False
    return now - state.heard >= timedelta(minutes=session.expiration_minutes)
