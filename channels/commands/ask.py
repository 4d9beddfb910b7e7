"""`frontdesk ask`: ask the bot as a customer would, one question or a file of them. Needs no running server."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.botfile import BotFile, collected, load_bot
from bot.direct import Direct, Role
from bot.errors import FrontdeskError, QueryError
from bot.settings import Settings
from bot.types import Citation, Emission, Outcome, TurnResult
from channels import terminal

if TYPE_CHECKING:
    from bot.build import Bot

ECHOES = frozenset({"utter_heard", "utter_seen"})
"""Replies that say back what was understood of a voice or picture; they are shown apart from the answer."""
_NUMBER = re.compile(r"\[(\d+)\]")


class Line(BaseModel):
    """One thing that was said before the question."""

    model_config = ConfigDict(extra="ignore")

    role: Role
    text: str


class Asked(BaseModel):
    """One line of a file of turns."""

    model_config = ConfigDict(extra="ignore")

    id: str | int
    question: str = Field(min_length=1)
    history: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no turn, and why."""

    id: str | int | None
    error: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="what the customer says")
    parser.add_argument("--image", type=Path, metavar="FILE", help="a picture that comes with it")
    parser.add_argument("--audio", type=Path, metavar="FILE", help="a voice message that comes with it")
    parser.add_argument("--session", metavar="NAME", help="go on with this conversation (default: a new one)")
    parser.add_argument("--collection", metavar="NAME", help="answer from this collection only (default: the bot's)")
    parser.add_argument("--no-generator", action="store_true", help="answer with the documents' own sentences only")
    parser.add_argument(
        "--file",
        type=Path,
        metavar="TURNS",
        help='many at once: JSON lines with "id", "question" and "history" ({"role","text"} each), every line a '
        "conversation of its own; one object a line comes out, in order",
    )


def run(args: argparse.Namespace) -> int:
    """0 when everything that was asked was handled, whatever the outcome; 1 when a line or turn failed."""
    single = args.question is not None or args.image is not None or args.audio is not None
    if single == (args.file is not None):
        raise QueryError('give either a question (or --image, --audio) or --file TURNS.jsonl, as in: ask "Is it free?"')
    if args.file is not None and args.session is not None:
        raise QueryError("--session goes with one question; in a file each line is a conversation of its own")
    settings: Settings = args.settings
    if args.no_generator:
        settings = settings.model_copy(update={"generator": False})
    botfile = collected(load_bot(settings.bot), args.collection)
    if args.file is None:
        return asyncio.run(_one(settings, botfile, args))
    lines = list(read_turns(args.file))
    with tempfile.TemporaryDirectory(prefix="frontdesk-ask-") as folder:
        private = settings.model_copy(update={"database": f"sqlite:///{Path(folder) / 'ask.db'}"})
        return asyncio.run(_many(private, botfile, lines))


def read_turns(file: Path) -> Iterator[Asked | Broken]:
    """The turns of a file of JSON lines, in order; a line that is none says why. Raises QueryError for the file."""
    try:
        lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise QueryError(f"{file} cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        said: Any = None
        try:
            said = json.loads(line)
            yield Asked.model_validate(said)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'line'}: {item['msg']}" for item in error.errors())
            yield Broken(_id(said), f"line {number}: {wrong}")
        except ValueError as error:
            yield Broken(None, f"line {number} is not JSON: {error}")


def shown(result: TurnResult) -> dict[str, Any]:
    """A turn's result as it is printed. Citations of several replies are numbered through."""
    texts: list[str] = []
    citations: list[Citation] = []
    for reply in result.replies:
        if reply.template in ECHOES:
            continue
        texts.append(_renumbered(reply.text, len(citations)) if reply.citations else reply.text)
        citations += reply.citations
    found: dict[str, Any] = {
        "text": "\n\n".join(texts),
        "citations": [citation.model_dump(mode="json") for citation in citations],
        "outcome": result.outcome.value,
        "confidence": round(result.confidence, 4),
        "timings_ms": result.timings_ms,
        "language": result.details.get("language"),
        "buttons": [button.title for reply in result.replies for button in reply.buttons],
        "conversation": result.conversation,
    }
    heard = [reply.text for reply in result.replies if reply.template in ECHOES]
    if heard:
        found["heard"] = "\n".join(heard)
    if result.details.get("error"):
        found["error"] = result.details["error"]
    return found


def _renumbered(text: str, by: int) -> str:
    return _NUMBER.sub(lambda match: f"[{int(match.group(1)) + by}]", text) if by else text


async def _one(settings: Settings, botfile: BotFile, args: argparse.Namespace) -> int:
    bot = await _started(settings, botfile)
    try:
        files = [path for path in (args.image, args.audio) if path is not None]
        result = await Direct(bot).ask(args.question or "", sender=args.session, files=files, emit=_heard)
    finally:
        await bot.close()
    found = shown(result)
    if terminal.wants_json():
        terminal.emit(found)
    else:
        _show(found)
    return 1 if result.outcome is Outcome.FAILED else 0


async def _many(settings: Settings, botfile: BotFile, lines: list[Asked | Broken]) -> int:
    bot = await _started(settings, botfile)
    failed = 0
    try:
        direct = Direct(bot)
        with terminal.progress("asking", len(lines)) as advance:
            for line in lines:
                found = await _answered(direct, line)
                failed += found["outcome"] == Outcome.FAILED
                terminal.emit({"id": line.id, **found})
                advance()
    finally:
        await bot.close()
    if failed:
        terminal.complain(f"{failed} of {len(lines)} lines failed")
    return 1 if failed else 0


async def _answered(direct: Direct, line: Asked | Broken) -> dict[str, Any]:
    nothing = {"text": "", "citations": [], "outcome": Outcome.FAILED.value, "confidence": 0.0, "timings_ms": {}}
    if isinstance(line, Broken):
        return {**nothing, "error": line.error}
    try:
        return shown(await direct.ask(line.question, history=[(said.role, said.text) for said in line.history]))
    except FrontdeskError as error:
        return {**nothing, "error": str(error)}


async def _started(settings: Settings, botfile: BotFile) -> Bot:
    from bot.build import build

    terminal.complain("loading ...")
    bot = await build(settings, botfile=botfile)
    await bot.start()
    try:
        _check(bot, botfile)
    except FrontdeskError:
        await bot.close()
        raise
    return bot


def _check(bot: Bot, botfile: BotFile) -> None:
    """A collection that was named wrongly is an error here, not a turn that fails."""
    from retrieval.types import Filters

    bot.index.snapshot.check(Filters(collections=frozenset(botfile.collections)))


def _heard(emission: Emission) -> None:
    if emission.kind == "heard":
        terminal.complain(emission.text)


def _show(found: dict[str, Any]) -> None:
    terminal.say(found["text"] or f"({found['outcome']})")
    for number, citation in enumerate(found["citations"], start=1):
        terminal.say(f"  [{number}] {citation['title']}  ({citation['collection']}/{citation['document']})")
    total = found["timings_ms"].get("total", 0.0)
    terminal.say(f"  {found['outcome']}, confidence {found['confidence']:.2f}, {total:.0f} ms")


def _id(said: Any) -> str | int | None:
    id = said.get("id") if isinstance(said, dict) else None
    return id if isinstance(id, str | int) else None
