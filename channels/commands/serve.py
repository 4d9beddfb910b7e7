"""`frontdesk serve`: the widget, the channels and the demo company's site, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any

from bot import guard
from bot.settings import Settings
from channels import logs, terminal, tracing


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on; 0: a free one (default: 8080)")
    parser.add_argument(
        "--no-generator", action="store_true", help="answer with the pages' own sentences, whatever bot.toml says"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal comes. ConfigError for a port that cannot be had, before anything is loaded."""
    from channels import serving

    settings = chosen(args.settings, args)
    logs.set_up(settings.log_level, as_json=settings.log_json, redact=guard.redact)
    flush = tracing.set_up(settings.traces)
    lease = serving.Lease(settings.home)
    listening = serving.listen(settings.host, settings.port)
    try:
        asyncio.run(_serve(settings, listening, lease.worker))
    except KeyboardInterrupt:
        pass  # a second Ctrl-C, while turns in flight were being finished
    finally:
        listening.close()
        lease.close()
        flush()
    return 0


def chosen(settings: Settings, args: argparse.Namespace) -> Settings:
    """The settings with what was said on the command line."""
    given: dict[str, Any] = {"host": args.host, "port": args.port, "generator": False if args.no_generator else None}
    return settings.model_copy(update={key: value for key, value in given.items() if value is not None})


async def _serve(settings: Settings, listening: socket.socket, worker: str) -> None:
    from bot.build import build
    from channels import serving
    from channels.app import Desk, application

    bot = await build(settings)
    desk = Desk(bot, worker=worker, grace=serving.GRACE_SECONDS)
    where = settings.public_url or serving.address(listening)

    def ready() -> None:
        if terminal.wants_json():
            terminal.emit({"ready": True, "url": where})
        terminal.say(f"Frontdesk is ready: {where}")

    await serving.serve(desk, application(desk, pages(bot, desk)), listening, ready)


def pages(bot: Any, desk: Any) -> Sequence[Any]:
    """The demo company's site and the source pages; the widget gets the company's look."""
    from channels.explain import Explanations
    from channels.web.channel import WebChannel
    from channels.web.shop import Site
    from channels.web.source_page import SourcePage
    from retrieval.texts import text_of

    site = Site(bot.botfile.folder, bot.botfile.name, bot.settings.web.website_token, help_pages(bot))
    web = desk.channels["web"]
    if isinstance(web, WebChannel):
        logo = "/brand/mark.svg" if (bot.botfile.folder / "mark.svg").is_file() else None
        web.brand = {
            "name": bot.botfile.name,
            "bot_name": bot.botfile.bot_name,
            "colors": site.brand.colors,
            "logo": logo,
        }

    def current(collection: str, document: str) -> str | None:
        found = bot.index.snapshot.documents.get((collection, document))
        return None if found is None else str(found.version)

    source = SourcePage(
        text_of=lambda version: text_of(bot.settings.index, version),
        may_show=lambda stored: bool(bot.index.snapshot.may_show(stored)),
        current=current,
        collections=bot.botfile.collections,
        brand=site.brand,
        website_token=bot.settings.web.website_token,
    )
    explanations = Explanations(bot.store, bot.settings)
    return [*site.routes(), *source.routes(), *explanations.routes()]


def help_pages(bot: Any) -> Callable[[], list[Any]]:
    """The public documents of the customers' collections, by the folder they lie in."""
    from urllib.parse import quote

    from channels.web.shop import HelpPage
    from retrieval.types import Audience

    def listed() -> list[HelpPage]:
        found = []
        for document in bot.index.snapshot.documents.values():
            if document.audience != Audience.PUBLIC or document.collection not in bot.botfile.collections:
                continue
            folders = document.name.split("/")[:-1]
            href = f"/source/{quote(document.collection, safe='')}/{quote(document.name)}"
            section = folders[-1] if folders else ""
            found.append(HelpPage(title=document.title, section=section, language=document.language, href=href))
        return found

    return listed
