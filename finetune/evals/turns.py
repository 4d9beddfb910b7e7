"""Whole turns in this process, each a conversation of its own, as `frontdesk ask --file` runs them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.botfile import BotFile
from bot.direct import Direct
from bot.errors import ConfigError, FrontdeskError
from bot.settings import Settings
from bot.types import Citation, Outcome
from finetune.evals.judging import Asked, Key, Turned, names
from finetune.evals.results import Bar
from finetune.evals.rows import RowError

if TYPE_CHECKING:
    from bot.build import Bot

PROMPT = "answer.jinja2"
MEDIA = {"speech": "fake", "captioner": "fake"}
"""Nobody speaks or shows anything here, so that the models for it need not be loaded."""


@dataclass(frozen=True, slots=True)
class Run:
    """All turns, in the rows' order; which documents are internal; and the versions of index, prompts and models."""

    turns: tuple[Turned, ...]
    internal: frozenset[Key]
    versions: dict[str, str]


async def run(settings: Settings, botfile: BotFile, file: Path, rows: Sequence[Asked], bar: Bar) -> Run:
    """Ask every row of a bot of its own. Raises RowError for an expected document that the bot has not."""
    from bot.build import build, versions

    with tempfile.TemporaryDirectory(prefix="frontdesk-eval-") as folder:
        engines = settings.engines.model_copy(update=MEDIA)
        database = f"sqlite:///{Path(folder) / 'eval.db'}"
        bot = await build(settings.model_copy(update={"engines": engines, "database": database}), botfile=botfile)
        with bar("indexing", None) as advance:
            await bot.start(_progress(advance))
        try:
            _check(bot, file, rows)
            direct, turns = Direct(bot), []
            with bar("asking", len(rows)) as advance:
                for row in rows:
                    turns.append(await _turn(direct, row))
                    advance()
            named = versions(bot.engines, bot.index, bot.prompts)
            told = {part: name for part, name in named.items() if part not in MEDIA}
            internal = frozenset(
                key for key, document in bot.index.snapshot.documents.items() if document.audience == "internal"
            )
            return Run(tuple(turns), internal, told)
        finally:
            await bot.close()


@contextmanager
def prompted(botfile: BotFile, prompt: Path | None) -> Iterator[BotFile]:
    """The bot with other prompts: a folder of them, or a file that takes the place of the answer's; None: its own."""
    if prompt is None:
        yield botfile
        return
    if prompt.is_dir():
        yield botfile.model_copy(update={"prompts": prompt.resolve()})
        return
    try:
        said = prompt.read_bytes()
    except OSError as error:
        raise ConfigError(f"{prompt} is neither a prompt nor a folder of prompts: {error.strerror}") from None
    with tempfile.TemporaryDirectory(prefix="frontdesk-prompts-") as folder:
        for path in botfile.prompts_folder.iterdir():
            if path.is_file():
                (Path(folder) / path.name).write_bytes(path.read_bytes())
        (Path(folder) / PROMPT).write_bytes(said)
        yield botfile.model_copy(update={"prompts": Path(folder)})


async def _turn(direct: Direct, row: Asked) -> Turned:
    began = time.perf_counter()
    try:
        result = await direct.ask(row.question, history=[(line.role, line.text) for line in row.history])
    except FrontdeskError as error:
        return Turned("", Outcome.FAILED, error=str(error))
    citations: list[Citation] = [citation for reply in result.replies for citation in reply.citations]
    return Turned(
        text="\n\n".join(reply.text for reply in result.replies),
        outcome=result.outcome,
        confidence=result.confidence,
        citations=tuple(citations),
        evidence=result.details.get("evidence", {}),
        ms=(time.perf_counter() - began) * 1000,
        error=str(result.details.get("error", "")),
    )


def _check(bot: Bot, file: Path, rows: Sequence[Asked]) -> None:
    """Where none of the documents is there, every answer would be wrong."""
    from retrieval.types import Filters

    bot.index.snapshot.check(Filters(collections=frozenset(bot.botfile.collections)))
    known = list(bot.index.snapshot.documents)
    for row in rows:
        if row.expected_docs and not any(names(name, key) for name in row.expected_docs for key in known):
            missing = ", ".join(map(repr, row.expected_docs))
            raise RowError(f"{file}, line {row.line}: expected_docs: the bot has no document {missing}")


def _progress(advance: Callable[..., None]) -> Callable[[str, int, int], None]:
    at = 0

    def progress(step: str, done: int, total: int) -> None:
        nonlocal at
        if step == "encoding":
            advance(done - at, total)
            at = done

    return progress
