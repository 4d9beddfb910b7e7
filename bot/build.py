"""Wires a bot from its folder and the settings: engines, store, index, turn. Everything is made here, by hand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from bot import lexicon
from bot.actions.base import Actions
from bot.actions.builtin import shop_actions
from bot.actions.endpoint import read_endpoint
from bot.actions.runner import make_actions
from bot.answer import Answerer
from bot.assistant import Assistant
from bot.botfile import BotFile, load_bot
from bot.crawled import Crawled
from bot.engines import tables
from bot.engines.base import (
    Captioner,
    Checker,
    Classifier,
    Encoder,
    Engine,
    Generator,
    Reader,
    Speech,
    Tagger,
)
from bot.engines.registry import KINDS
from bot.engines.served import Make, Served
from bot.engines.swap import Swap, pinned
from bot.engines.weights import Weights
from bot.errors import ConfigError, EngineError, MissingExtra, WeightsError
from bot.flows import Domain
from bot.flows.load import Loaded, load, with_base
from bot.flows.rasa_config import read_config
from bot.hearing import Ears, Media, Understanding
from bot.index import IndexHolder, Progress, growth, prepare
from bot.media import understand_media
from bot.processes import AtWork, Processes
from bot.prompts import Prompts
from bot.router import Router
from bot.rules import RULES, Rules, load_rules, utters
from bot.running import Running
from bot.settings import Settings, make_home
from bot.store.base import Blobs, Store
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.turn import TEMPLATES, Turn
from bot.types import Attachment, now
from bot.understanding.intents import Recognizer
from bot.understanding.meaning import Understanding as Meaning
from bot.understanding.meaning import knowledge_of

log = logging.getLogger(__name__)

EVENTS_SHOWN = 300
"""So many of a conversation's newest events an action is shown in its tracker."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines by their part. `generator` is None where it is turned off; so are `classifier` and `tagger` where the
    bot's models.toml names no weights `intents` and `slots`.
    """

    speech: Speech
    captioner: Captioner
    encoder: Encoder
    reader: Reader
    checker: Checker
    generator: Generator | None
    classifier: Classifier | None = None
    tagger: Tagger | None = None

    @property
    def needed(self) -> dict[str, Engine]:
        """Without these there is no answer."""
        return {"encoder": self.encoder, "reader": self.reader, "checker": self.checker}

    @property
    def optional(self) -> dict[str, Engine]:
        """Without these something else is said instead."""
        parts: dict[str, Engine] = {"speech": self.speech, "captioner": self.captioner}
        trained = {"classifier": self.classifier, "tagger": self.tagger}
        parts |= {name: engine for name, engine in trained.items() if engine is not None}
        return parts if self.generator is None else {**parts, "generator": self.generator}

    @property
    def all(self) -> dict[str, Engine]:
        return self.needed | self.optional


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot and all that it works with. `start` before use, `close` after; both may be called again.

    `absent` are the optional engines that could not be started: customers get a word instead.
    """

    settings: Settings
    botfile: BotFile
    domain: Domain
    prompts: Prompts
    weights: Weights
    engines: Engines
    store: Store
    blobs: Blobs
    index: IndexHolder
    answerer: Answerer
    turn: Turn
    served: Served
    crawled: Crawled
    actions: Actions | None = None
    absent: set[str] = field(default_factory=set)

    async def start(self, progress: Progress | None = None) -> None:
        """Open the store, start the engines side by side, bring the index up to date.

        An engine that a bot can do without may fail: it is logged, and customers get a word instead. Raises what is
        wrong with the store, an engine that is needed (WeightsError, EngineError) or the documents.
        """
        lexicon.lexicons()  # compiled now, not in the first customer's turn
        await self.store.open()
        try:
            await self.served.begin()
            if self.actions is not None:
                await self.actions.start()
            await self._start_engines()
            await prepare(self.index, self.crawled.botfile(), self.engines.encoder, progress)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Give everything back. What hangs does not keep the rest from closing."""
        engines = list(self.engines.all.values())
        results = await asyncio.gather(*(engine.close() for engine in engines), return_exceptions=True)
        if self.actions is not None:
            await self.actions.close()
        await self.store.close()
        for engine, result in zip(engines, results, strict=True):
            if isinstance(result, BaseException):
                log.warning("%s did not close: %s", engine.name, type(result).__name__)

    def ready(self) -> bool:
        """Whether a question would be answered now."""
        return self.index.id is not None and all(engine.ready() for engine in self.engines.needed.values())

    def engines_in_use(self) -> dict[str, Engine]:
        """The engines that were started, by part: what `ready` and monitors look at."""
        return {part: engine for part, engine in self.engines.all.items() if part not in self.absent}

    def read_ahead(self) -> None:
        """Read in the current index what every turn would read: seconds in a thread, once for each index."""
        self.answerer.read_ahead()

    async def _start_engines(self) -> None:
        engines = self.engines.all
        results = await asyncio.gather(*(engine.start() for engine in engines.values()), return_exceptions=True)
        self.absent.clear()
        for part, result in zip(engines, results, strict=True):
            if result is None:
                continue
            if part in self.engines.needed or not isinstance(result, (EngineError, WeightsError, MissingExtra)):
                raise result
            self.absent.add(part)
            log.warning("no %s: %s", part, result)


async def build(
    settings: Settings,
    *,
    botfile: BotFile | None = None,
    server: str | None = None,
    around: Callable[[Actions | None], Actions] | None = None,
    clock: Callable[[], datetime] = now,
) -> Bot:
    """A bot, not yet started. `botfile` stands in for the one in `settings.bot` (another collection, for `ask`).

    For tests of bots: `server` is an action server's URL that runs the actions whatever endpoints.yml says, `around`
    puts something between the flows and the actions, `clock` is what working hours and words such as "tomorrow" go by
    (how long a silence was is measured in real time).

    Raises ConfigError for whatever is wrong in the bot's folder or the settings.
    """
    botfile = botfile or load_bot(settings.bot)
    loaded = load_processes(botfile)
    domain = loaded.domain
    prompts = Prompts(botfile.prompts_folder)
    weights = Weights(settings)
    engines, again = _engines(settings, botfile, weights)
    swaps = {part: engine for part, engine in engines.all.items() if isinstance(engine, Swap)}
    blobs = FolderBlobs(settings.blobs)
    store = _store(settings, blobs)
    index = IndexHolder(settings.index, growth(settings), gpu=settings.device != "cpu")
    answerer = Answerer(
        encoder=engines.encoder,
        reader=engines.reader,
        checker=engines.checker,
        generator=engines.generator,
        index=lambda: index.snapshot,
        prompts=prompts,
        botfile=botfile,
        settings=settings,
    )
    actions = _actions(botfile, loaded, settings, server)
    if around is not None:
        actions = around(actions)
    processes = _at_work(loaded, actions, engines=engines, store=store, index=index, botfile=botfile, clock=clock)
    turn = Turn(
        store=store,
        answerer=answerer,
        ears=Ears(blobs, _media(settings, engines), settings.limits.audio_seconds),
        domain=domain,
        botfile=botfile,
        settings=settings,
        versions=partial(versions, engines, index, prompts),
        clock=clock,
        processes=processes,
        hold=partial(pinned, tuple(swaps.values())),
    )
    return Bot(
        settings=settings,
        botfile=botfile,
        domain=domain,
        prompts=prompts,
        weights=weights,
        engines=engines,
        store=store,
        blobs=blobs,
        index=index,
        answerer=answerer,
        turn=turn,
        actions=actions,
        crawled=Crawled(settings, botfile, index, engines.encoder),
        served=Served(store, settings, swaps, again),
    )


def _at_work(
    loaded: Loaded,
    actions: Actions | None,
    *,
    engines: Engines,
    store: Store,
    index: IndexHolder,
    botfile: BotFile,
    clock: Callable[[], datetime],
) -> AtWork | None:
    """What decides in this bot's turns: its flows, its rules, stories and forms, or both; None where it has neither."""
    events = partial(store.events, newest=EVENTS_SHOWN)
    rules = _rules(botfile, loaded)

    def documents() -> bool:
        return index.id is not None and bool(index.snapshot.documents)

    flows = Processes(
        loaded,
        actions,
        understanding=Meaning(
            encoder=engines.encoder,
            reader=engines.reader,
            classifier=engines.classifier,
            tagger=engines.tagger,
            knowledge=knowledge_of(botfile.folder),
            clock=clock,
        ),
        failures_in_a_row=botfile.handover.failures_in_a_row,
        clock=now,
        events=events,
        documents=documents,
        rules=rules,
    )
    if not loaded.training:
        return flows if loaded.processes.own else None
    thresholds = read_config(botfile.folder).thresholds
    assistant = Assistant(
        loaded,
        Recognizer(
            loaded.training.nlu,
            loaded.domain.entities,
            thresholds,
            encoder=engines.encoder,
            classifier=engines.classifier,
            clock=clock,
        ),
        Running(loaded, actions, events, rules),
        thresholds,
        clock=now,
        events=events,
        documents=documents,
        failures_in_a_row=botfile.handover.failures_in_a_row,
    )
    return Router(flows, assistant) if loaded.processes.own else assistant


def load_processes(botfile: BotFile) -> Loaded:
    """The bot's domain and flows, checked. Raises ConfigError with the mistakes that keep it from running; others are
    logged.

    A Rasa bot's folder knows nothing of what our bots have to say besides: it gets the responses that are missing.
    """
    constants = {"bot_name": botfile.bot_name, "company": botfile.name}
    loaded = load(botfile.folder, language=botfile.language, constants=constants)
    if loaded.errors:
        told = "\n  ".join(str(problem) for problem in loaded.errors[:10])
        raise ConfigError(f"the bot in {botfile.folder} has mistakes ('frontdesk validate' tells all):\n  {told}")
    for problem in loaded.problems:
        log.warning("%s", problem)
    if not (botfile.folder / "bot.toml").is_file():
        with_base(loaded.domain, TEMPLATES)
    if missing := loaded.domain.missing(TEMPLATES):
        raise ConfigError(f"{botfile.domain_folder} has no response {', '.join(missing)}: add them under 'responses:'")
    return loaded


def _rules(botfile: BotFile, loaded: Loaded) -> Rules:
    """The bot's rules.toml. Raises ConfigError for what is wrong there, and for a response that is missing."""
    rules = load_rules(botfile.folder / RULES)
    with_base(loaded.domain, utters(rules))
    if missing := loaded.domain.missing(utters(rules)):
        raise ConfigError(f"rules.toml needs the response {', '.join(missing)}: add it to the domain's 'responses:'")
    return rules


def _actions(botfile: BotFile, loaded: Loaded, settings: Settings, server: str | None) -> Actions | None:
    """What runs the bot's own actions: this server or the one that its endpoints.yml names, else its package in this
    process; and the built-in ones where bot.toml has a shop."""
    if not loaded.processes.own and not loaded.training:
        return None
    given = {"url": server} if server else read_config(botfile.folder).action_endpoint
    builtin = None
    if botfile.shop is not None:
        url = botfile.shop.database or f"sqlite:///{(settings.home / 'shop.db').absolute()}"
        builtin = partial(shop_actions, url, botfile.folder / botfile.shop.products)
    limits = botfile.actions
    endpoint = read_endpoint(given, botfile.folder) if given else None
    if endpoint is not None:
        endpoint = replace(endpoint, seconds=limits.seconds, deflate=limits.compress)
    return make_actions(botfile.folder, endpoint=endpoint, builtin=builtin, seconds=limits.seconds)


def versions(engines: Engines, index: IndexHolder, prompts: Prompts) -> dict[str, str]:
    """Index, prompts and models, as they go into the audit trail."""
    named = {part: engine.name for part, engine in engines.all.items() if engine.ready()}
    return {"index": index.id or "", "prompts": prompts.version, **named}


def _store(settings: Settings, blobs: Blobs) -> Store:
    make_home(settings.home)
    return SqlStore(settings.database_url, blobs=blobs)


def _engines(settings: Settings, botfile: BotFile, weights: Weights) -> tuple[Engines, Make]:
    """The engines, and how to make one of them again with other weights. Those whose versions the registry keeps can be
    swapped."""
    chosen = settings.engines
    replaceable = {kind.part for kind in KINDS.values()}
    made: dict[str, tuple[str, dict[str, Any]]] = {}
    wanted = settings.generator if settings.generator is not None else botfile.generator.enabled

    def make(kind: str, name: str, **others: Any) -> Any:
        made[kind] = (name, others)
        engine = tables.create(kind, name, settings=settings, weights=weights, **others)
        return Swap(engine) if kind in replaceable else engine

    def again(part: str, version: str, weights: Weights) -> Any:
        name, others = made[part]
        if part == "encoder" and version and name == "minilm":
            name = "minilm-tuned"  # what is promoted are tuned ones
        return tables.create(part, name, settings=settings, weights=weights, **others)

    encoder: Encoder = make("encoder", chosen.encoder)
    engines = Engines(
        speech=make("speech", chosen.speech, languages=botfile.languages),
        captioner=make("captioner", chosen.captioner),
        encoder=encoder,
        reader=make("reader", chosen.reader),
        checker=make("checker", chosen.checker, encoder=encoder),
        generator=make("generator", chosen.generator) if wanted else None,
        classifier=make("classifier", chosen.classifier) if "intents" in weights.manifest else None,
        tagger=make("tagger", chosen.tagger) if "slots" in weights.manifest else None,
    )
    return engines, again


def _media(settings: Settings, engines: Engines) -> Media:
    async def media(attachment: Attachment, data: bytes, language: str) -> Understanding:
        return await understand_media(
            attachment, data, engines.speech, engines.captioner, limits=settings.limits, language=language
        )

    return media
