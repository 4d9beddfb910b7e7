"""`frontdesk explain`: why the bot gave an answer, for whoever has to answer for it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.engines.devices import calm_threads
from bot.errors import ConfigError
from bot.settings import Settings
from channels import terminal

PASSAGES = 5
WIDTH = 96


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk explain`."""
    parser.add_argument(
        "id", metavar="ID", help="of a reply, of a customer's message, or of a conversation (its last answer)"
    )
    parser.add_argument(
        "--no-words", action="store_true", help="do not compute which words weighed most, which takes some seconds"
    )


def run(args: argparse.Namespace) -> int:
    """Print it. NotFound for an id that nobody knows."""
    calm_threads()
    told = asyncio.run(_explained(args))
    if terminal.wants_json():
        terminal.emit(told)
    else:
        for line in lines(told):
            terminal.say(line)
    return 0


async def _explained(args: argparse.Namespace) -> dict[str, Any]:
    from bot.explain import explain
    from bot.store.sql import SqlStore

    settings: Settings = args.settings
    if not settings.database and not (settings.home / "frontdesk.db").is_file():
        raise ConfigError(f"nothing was ever said in {settings.home}: name another with --home")
    store = SqlStore(settings.database_url)
    await store.open()
    try:
        return await explain(store, settings, args.id, words=not args.no_words)
    finally:
        await store.close()


def lines(told: Mapping[str, Any]) -> list[str]:
    """The explanation for people, from the reply down to its timings."""
    reply, asked = told["reply"], told["question"]
    found = [f"{told['outcome']}, confidence {told['confidence']:.2f}, in conversation {told['conversation']}"]
    found += [f"! {note}" for note in told["notes"]]
    found += _block("customer", asked["wrote"] + asked["heard"])
    if "understood" in asked:
        found += _block("asked as", [asked["understood"]])
        found += _block("said before", [asked["context"]] if asked["context"] else [])
    if reply:
        found += _block("replied", [reply["text"]])
        found += [f"{'':12}  by rote: {reply['template']}"] if reply["template"] else []
        found += [
            f"{'':12}  [{n}] {each['title']}: “{_cut(each['quote'])}”" for n, each in enumerate(reply["citations"], 1)
        ]
    found += [f"{'failed with':>12}  {told['error']}"] if told["error"] else []
    found += _passages(told["passages"]) + _candidates(told["candidates"]) + _check(told)
    found += _words(told["words"])
    found += ["", "Versions"]
    found += [f"  {part:10}  {name}" for part, name in told["versions"].items()]
    timings = "  ".join(f"{step} {ms:.0f}" for step, ms in told["timings_ms"].items())
    return [*found, "", f"Milliseconds  {timings}"]


def _block(name: str, texts: Sequence[str]) -> list[str]:
    every = [line for text in texts for line in text.splitlines() if line.strip()]
    return [f"{name if not number else '':>12}  {line}" for number, line in enumerate(every)]


def _passages(passages: Sequence[Mapping[str, Any]]) -> list[str]:
    if not passages:
        return []
    found = ["", "Passages      score  cosine  words   what the reader saw there"]
    for each in passages[:PASSAGES]:
        saw = "not read" if "probability" not in each else f"{each['probability']:.2f} no answer"
        if each.get("read"):
            saw = f"{each['probability']:.2f} “{_cut(each['read'], 60)}”"
        figures = f"{each['score']:6.3f}  {_figure(each.get('dense'))}  {_figure(each.get('sparse'))}"
        found.append(f"  {each['title'][:10]:10}  {figures}   {saw}")
        found.append(f"{'':12}  {each['document']}, {each['start']} to {each['end']}")
    more = len(passages) - PASSAGES
    return found + ([f"  and {more} more (--json)"] if more > 0 else [])


def _candidates(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    if not candidates:
        return []
    found = ["", "Sentences that could answer, the best first"]
    for each in candidates:
        figures = {name: value for name, value in each["figures"].items() if value and name != "confidence"}
        found.append(f"  {each['figures']['confidence']:.2f}  “{_cut(each['text'] or each['document'])}”")
        found.append("        " + "  ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    return found


def _check(told: Mapping[str, Any]) -> list[str]:
    generator, check = told["generator"], told["check"]
    if generator is None:
        return []
    worded = (
        "worded the reply" if generator["worded"] else "did not word the reply: the document's own sentence was shown"
    )
    found = ["", f"Generator     {generator['ended']}, {worded}"]
    found += [f"  let through, support {support:.2f}" for support in check["passed"]]
    for each in check["removed"]:
        found += [f"  taken out   “{_cut(each['text'])}”", f"{'':12}  rule: {each['rule']}"]
        found += [f"{'':12}  {each['reason']}"] if each["reason"] != each["rule"] else []
    return found


def _words(words: Mapping[str, Any]) -> list[str]:
    if not words:
        return []
    found = ["", "Words that weighed most (integrated gradients)"]
    if "missing" in words:
        return [*found, f"  {words['missing']}"]
    for part, each in words.items():
        if "missing" in each:
            found.append(f"  {part:8}  {each['missing']}")
            continue
        found.append(f"  {part:8}  {each['of']}: {each['figure']:.2f}, {each['baseline']:.2f} with all words masked")
        for side in ("question", "passage"):
            shown = "  ".join(f"{word['text']} {word['weight']:+.2f}" for word in each[side][:6])
            found.append(f"  {'':8}  {side:8}  {shown}")
    return found


def _figure(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.3f}"


def _cut(text: str, most: int = WIDTH) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
