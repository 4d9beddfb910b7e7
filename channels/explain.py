"""Why the bot gave an answer, over HTTP, for operators: `GET /api/replies/ID/explanation`.

The same object as `frontdesk explain ID --json`. It holds what customers wrote, so that nobody gets it without the
operators' token, and nobody at all while none is set. `?words=no` leaves out the weights of words, which take seconds
of a core: they are computed for one caller at a time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.errors import NotFound
from bot.explain import explain
from bot.settings import Settings
from bot.store.base import Store
from channels.limits import problem
from channels.tokens import bearer

PATH = "/api/replies/{id}/explanation"


class Explanations:
    """`routes()` go into the application. The store is opened and closed elsewhere."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._computing = asyncio.Lock()

    def routes(self) -> list[BaseRoute]:
        return [Route(PATH, self.give, methods=["GET"])]

    async def give(self, request: Request) -> Response:
        """401 without the token, 403 where none is set, 404 for an id that nobody knows, 503 while words are weighed
        for somebody else."""
        expected = self._settings.operators.token.get_secret_value()
        if not expected:
            return problem(403, "closed", "set FRONTDESK_OPERATORS__TOKEN: without it this is closed to everybody")
        if not bearer(expected, request.headers.get("authorization", "")):
            return problem(401, "unauthorized", "the operators' bearer token is needed", {"WWW-Authenticate": "Bearer"})
        words = request.query_params.get("words", "yes") != "no"
        if words and self._computing.locked():
            return problem(503, "busy", "words are weighed for somebody else: ask again", {"Retry-After": "10"})
        try:
            if not words:
                return _private(await explain(self._store, self._settings, request.path_params["id"], words=False))
            async with self._computing:
                return _private(await explain(self._store, self._settings, request.path_params["id"]))
        except NotFound as error:
            return problem(404, "not_found", str(error))


def _private(told: dict[str, Any]) -> Response:
    return JSONResponse(told, headers={"Cache-Control": "no-store"})
