"""`frontdesk crawl`: a site into a folder that `frontdesk ingest` reads."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import ExitStack
from pathlib import Path

from bot.crawl import CrawlReport, Plan, crawl
from channels import terminal
from channels.commands.ingest import Steps

SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    usual = Plan("")
    parser.add_argument("url", metavar="URL", help="where to begin: a page, or a sitemap")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder for the pages; crawled again, it is updated"
    )
    parser.add_argument(
        "--depth", type=int, default=usual.depth, metavar="N", help=f"links away from there (default: {usual.depth})"
    )
    parser.add_argument(
        "--max-pages", type=int, default=usual.max_pages, metavar="N", help=f"at most (default: {usual.max_pages})"
    )
    parser.add_argument(
        "--max-bytes", type=int, default=usual.max_bytes, metavar="N", help=f"at most (default: {usual.max_bytes:,})"
    )
    parser.add_argument(
        "--delay",
        type=float,
        default=usual.delay,
        metavar="S",
        help=f"seconds between two pages, or what robots.txt asks for, if that is more (default: {usual.delay:g})",
    )
    parser.add_argument("--user-agent", default="", metavar="NAME", help="its name (default: FrontdeskCrawler/VERSION)")
    parser.add_argument(
        "--private", action="store_true", help="addresses inside a private network too, such as an intranet's"
    )


def run(args: argparse.Namespace) -> int:
    """0 when the crawl came to its end, also where a limit ended it."""
    plan = Plan(
        args.url, args.depth, args.max_pages, args.max_bytes, max(0.0, args.delay), args.private, args.user_agent
    )
    with ExitStack() as bars:
        step = Steps(bars)
        report = asyncio.run(crawl(plan, args.out, lambda done, known: step("crawling", done, known)))
    _show(report, args.out)
    if terminal.wants_json():
        terminal.emit(as_json(report))
    return 0


def as_json(report: CrawlReport) -> dict[str, object]:
    """A report as `--json` prints it."""
    return {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "left_out": [{"url": url, "why": why} for url, why in report.left_out],
        "limited": report.limited or None,
        "requests": report.requests,
        "bytes": report.bytes,
    }


def _show(report: CrawlReport, out: Path) -> None:
    for word, urls in (("added", report.added), ("changed", report.changed), ("removed", report.removed)):
        for url in urls[:SHOWN]:
            terminal.say(f"{word:8} {url}")
        if len(urls) > SHOWN:
            terminal.say(f"{word:8} ... and {len(urls) - SHOWN} more")
    for url, why in report.left_out[:SHOWN]:
        terminal.complain(f"left out: {url}: {why}")
    if len(report.left_out) > SHOWN:
        terminal.complain(f"left out: {len(report.left_out) - SHOWN} more (--json lists them)")
    if report.limited:
        terminal.complain(f"ended early: {report.limited}")
    terminal.say(
        f"{len(report.added)} added, {len(report.changed)} changed, {len(report.removed)} removed, "
        f"{report.unchanged} unchanged; {report.requests} requests, {report.bytes / 1e6:.1f} MB"
    )
    terminal.say(f"next: frontdesk ingest {out}")
