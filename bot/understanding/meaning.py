"""From a message to commands for the business processes, with local models: rules, then the encoder and the reader.

1. Words that steer: give up, again, why, skip. They count when they are the whole message.
2. Values: of the asked slot, of others, corrections (`bot.understanding.filling`).
3. Processes: which one is asked for (`bot.understanding.choosing`), each part of the message by itself.
4. What is left is a question, if it reads like one: no command of ours, so that the documents are asked.

Order matters little to whoever applies the commands; nothing here raises for what a customer wrote.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bot import lexicon
from bot.commands import (
    Ask,
    AskWhy,
    CancelFlow,
    CannotHandle,
    Clarify,
    Command,
    Repeat,
    SetSlot,
    SkipQuestion,
    SmallTalk,
    StartFlow,
)
from bot.engines.base import Classifier, Encoder, Reader, Tagger
from bot.errors import EngineError
from bot.flows.expecting import Expecting, Startable, Wanted
from bot.flows.nlu import by_intent, files_of, read_nlu
from bot.lexicon.talk import small_talk, upset
from bot.state import State
from bot.understanding import choosing, filling, signals
from bot.understanding.choosing import Choice, FlowChooser
from bot.understanding.filling import Filled
from bot.understanding.kinds import kind_of
from bot.understanding.reading import Message
from bot.understanding.values.choice import choices
from bot.understanding.values.yes_no import yes_or_no

log = logging.getLogger(__name__)

PARTS = re.compile(
    r"(?<=[.!?;。！？；])\s*|\n+|,? (?:and|but)? ?(?:also|then)[ ,]+|,? and (?=(?:i|can|could|please|what|how|where|"
    r"when|cancel|"
    r"start|book|order|return|change|track|check|show|tell)\b)|"
    r", (?=(?:where|when|can you|could you|i want|i need|i'd like)\b)|"
    r"[，,](?=还|另外|顺便|然后)|(?:另外|顺便|还有)[，,]?",
    re.IGNORECASE,
)
LEAD = re.compile(r"(?:and|but|also)[ ,]+", re.IGNORECASE)
SURE = 0.5
"""The least probability of a trained intent."""
NO_VALUE = ("thanks", "how_are_you", "identity", "capabilities", "greeting", "goodbye")
"""Small talk that is never the name of something."""
MOST_PARTS = 4
BESIDE = 12
"""So many letters beside values are no request."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a bot's `nlu.yml` tells: regular expressions by entity, synonyms, examples by intent. `region`: the country
    (ISO 3166) whose telephone numbers are written without a code; None: by the language.
    """

    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    region: str | None = None


def knowledge_of(folder: Path) -> Knowledge:
    """What the `nlu.yml` files below a bot's folder tell. Raises ConfigError for one that is wrong."""
    nlu = read_nlu(*files_of(folder))
    return Knowledge(nlu.regexes, nlu.synonyms, by_intent(nlu.examples))


class Understanding:
    """Understands messages of one bot (`bot.plainly.Understands`). Engines that are not given are done without."""

    def __init__(
        self,
        *,
        encoder: Encoder | None = None,
        reader: Reader | None = None,
        classifier: Classifier | None = None,
        tagger: Tagger | None = None,
        knowledge: Knowledge | None = None,
        clock: Callable[[], datetime],
    ) -> None:
        self._reader, self._classifier, self._tagger = reader, classifier, tagger
        self._chooser = FlowChooser(encoder)
        self._knowledge = knowledge or Knowledge()
        self._clock = clock

    async def __call__(self, text: str, expecting: Expecting, state: State, language: str) -> list[Command]:
        """The commands; none when nothing of the business processes is meant. An engine that fails is done without."""
        del state  # what matters of it is in `expecting`
        try:
            return await self._commands(text, expecting, language)
        except EngineError as error:
            log.warning("understanding goes by its rules alone: %s", error)
            rules = Understanding(knowledge=self._knowledge, clock=self._clock)
            return await rules._commands(text, expecting, language)

    async def _commands(self, text: str, expecting: Expecting, language: str) -> list[Command]:
        words = lexicon.plain(text)
        if not words:
            return []
        message = self._message(text, language)
        if expecting.forced and expecting.asking is not None:
            return [SetSlot(expecting.asking.name, await self._forced(message, expecting.asking))]
        if expecting.choosing and (flow := _picked(words, expecting)):
            return [StartFlow(flow)]
        if (steering := _steering(words, expecting)) is not None:
            return [steering]
        if expecting.asking is not None and (kind := _talk(words, expecting.asking)):
            return [SmallTalk(kind)]
        return await self._said(message, words, expecting)

    def _message(self, text: str, language: str) -> Message:
        known = self._knowledge
        return Message(text, language, self._clock(), known.region, known.patterns, known.synonyms)

    async def _forced(self, message: Message, asking: Wanted) -> Any:
        """Whatever is said is the value; what can be read of it is taken."""
        found = filling.typed(message, asking, ())
        return found[0].value if found else message.text.strip()

    async def _said(self, message: Message, words: str, expecting: Expecting) -> list[Command]:
        values = filling.typed(message, expecting.asking, expecting.others, expecting.filled)
        values += [each for each in await self._tagged(message, expecting) if each.name not in {v.name for v in values}]
        asks = lexicon.asks(words) or message.text.rstrip().endswith(("?", "？"))
        answered = any(each.name == expecting.asking.name for each in values) if expecting.asking else False
        open_text = expecting.asking is not None and not answered and kind_of(expecting.asking) == "free"
        if expecting.asking is not None and values and _covers(message.text, values):
            if open_text and not any(each.correction for each in values):
                values += await self._told(message, words, expecting.asking, values)
            return _set(values)
        parts = _parts(message.text)
        chosen = await self._chosen(parts, expecting)
        commands: list[Command] = []
        started = _started(chosen)
        if started or any(len(choice.flows) > 1 for choice in chosen):
            commands += await self._begun(message, chosen, started, expecting)
            values = [each for each in values if each.name != getattr(expecting.asking, "name", None) or answered]
        elif signals.corrects(words) and not values:
            values += filling.resembling(message, expecting.filled) or await filling.free(
                message, expecting.filled, self._reader
            )
        if expecting.asking is not None and not started and not asks and not _settled(values, expecting, answered):
            values += await self._told(message, words, expecting.asking, values)
        if asks and not commands and not answered:
            values += [
                each for each in await self._again(message, expecting) if each.name not in {v.name for v in values}
            ]
        if expecting.open_flow is not None and not started and not asks:
            known = {each.name for each in values}
            rest = [slot for slot in expecting.others if slot.name not in known and slot is not expecting.asking]
            values += [each for each in await filling.free(message, rest, self._reader) if _new(each, values)]
        commands = [*_set(values), *commands]
        if commands:
            commands += [
                Ask(part) for part, choice in zip(parts, chosen, strict=True) if _question(part, choice, parts)
            ]
        elif expecting.asking is not None and not asks and kind_of(expecting.asking) != "free":
            commands = [CannotHandle()]
        return commands

    async def _again(self, message: Message, expecting: Expecting) -> list[Filled]:
        """The open flow, asked for anew with other values: "do you have the blender in stock?" after the kettle."""
        if expecting.open_flow is None or not expecting.filled:
            return []
        flows = [self._with_examples(flow) for flow in expecting.flows]
        [choice] = await self._chooser.choose([message.text], flows, documents=expecting.documents)
        if choice.flows != (expecting.open_flow.id,):
            return []
        known = {slot.name: slot.value for slot in expecting.filled}
        return [each for each in filling.typed(message, None, expecting.filled) if each.value != known[each.name]]

    async def _told(self, message: Message, words: str, asking: Wanted, beside: Sequence[Filled]) -> list[Filled]:
        """The value of a slot of text that was asked for, where nothing of its kind was found: what was said."""
        if asking.slot.type not in ("text", "any") or (asking.choices and kind_of(asking) == "choice"):
            return []
        if lexicon.says("yes", words) or lexicon.says("no", words):
            return []
        value = await filling.spoken(message, asking, beside, self._reader)
        return [Filled(asking.name, value, (0, len(message.text)))] if value else []

    async def _chosen(self, parts: Sequence[str], expecting: Expecting) -> list[Choice]:
        """The flows that the parts ask for. One that is open on top is not begun again."""
        current = expecting.open_flow.id if expecting.open_flow is not None else None
        flows = [self._with_examples(flow) for flow in expecting.flows if flow.id != current]
        busy, documents = expecting.asking is not None, expecting.documents
        if self._classifier is not None and flows:
            results = await self._classifier.classify(parts)
            by_intent = {intent: flow.id for flow in flows for intent in flow.intents}
            labels = [result.label if result.score >= SURE else None for result in results]
            found = [Choice((by_intent[label],), 1.0) if label in by_intent else None for label in labels]
            if all(found):
                return [choice for choice in found if choice is not None]
            others = await self._chooser.choose(parts, flows, busy=busy, documents=documents)
            return [one or other for one, other in zip(found, others, strict=True)]
        return await self._chooser.choose(parts, flows, busy=busy, documents=documents)

    def _with_examples(self, flow: Startable) -> Startable:
        """With what `nlu.yml` has for the intents that start the flow, or for one of the flow's name."""
        known = self._knowledge.examples
        more = [text for intent in (*flow.intents, flow.id) for text in known.get(intent, ())]
        return replace(flow, examples=(*flow.examples, *more)) if more else flow

    async def _begun(
        self, message: Message, chosen: Sequence[Choice], started: Sequence[str], expecting: Expecting
    ) -> list[Command]:
        """The flows to start, with the slots that the same message gives them; which is meant, where several may be."""
        commands: list[Command] = [StartFlow(flow) for flow in started]
        asked = [slot for flow in started for slot in expecting.collects.get(flow, ())]
        wanted = list({slot.name: slot for slot in asked}.values())
        found = filling.typed(message, None, wanted)  # what an earlier flow left there may be said anew
        named = {each.name for each in found}
        empty = [slot for slot in wanted if slot.name not in named and slot.value is None]
        found += [each for each in await filling.free(message, empty, self._reader) if _new(each, found)]
        commands += _set(found)
        unclear = [choice for choice in chosen if len(choice.flows) > 1 and not set(choice.flows) & set(started)]
        return [*commands, *(Clarify(choice.flows) for choice in unclear[:1])]

    async def _tagged(self, message: Message, expecting: Expecting) -> list[Filled]:
        """Slots that a trained tagger marks; their words are read as the slot's kind has it."""
        if self._tagger is None or expecting.open_flow is None:
            return []
        wanted = {slot.name: slot for slot in (expecting.asking, *expecting.others) if slot is not None}
        asked = expecting.asking.name if expecting.asking is not None else ""
        found = []
        for mark in await self._tagger.tag(message.text, asked):
            if (slot := wanted.get(mark.label)) is None:
                continue
            inside = self._message(message.text[mark.start : mark.end], message.language)
            values = filling.typed(inside, slot, ())
            value = values[0].value if values else inside.text
            found.append(Filled(slot.name, value, (mark.start, mark.end)))
        return found


def _steering(words: str, expecting: Expecting) -> Command | None:
    if signals.cancels(words) and expecting.open_flow is not None:
        return CancelFlow()
    if signals.asks_again(words) and (expecting.open_flow is not None or expecting.choosing):
        return Repeat()
    if expecting.asking is None:
        return None
    if signals.asks_why(words):
        return AskWhy()
    return SkipQuestion() if signals.skips(words) else None


def _talk(words: str, asking: Wanted) -> str | None:
    """The small talk that is all of a reply, or anger, where neither can be the value that was asked for."""
    if kind_of(asking) == "bool":
        return None
    if upset(words):
        return "anger"
    kinds, rest = small_talk(words)
    return next((kind for kind in kinds if kind in NO_VALUE), None) if not rest else None


def _picked(words: str, expecting: Expecting) -> str | None:
    """The flow that was chosen among those that were offered."""
    names = {flow.name: flow.id for flow in expecting.flows if flow.id in expecting.choosing}
    ordered = sorted(names, key=lambda name: expecting.choosing.index(names[name]))
    found = choices(words, ordered, asked=True)
    if len(found) == 1:
        return names[found[0].value]
    shared = [name for name in names if choosing.content(words) & choosing.content(name)]
    if len(shared) == 1:
        return names[shared[0]]
    return expecting.choosing[0] if len(expecting.choosing) == 1 and yes_or_no(words) else None


def _parts(text: str) -> list[str]:
    """The message's sentences and requests, each by itself; whole where it has but one."""
    found = [LEAD.sub("", part.strip(" ,，")) for part in PARTS.split(text)]
    kept = [part for part in found if part and (len(part.split()) > 1 or not part.isascii())]
    return kept[:MOST_PARTS] if len(kept) > 1 else [text.strip()]


def _started(chosen: Sequence[Choice]) -> list[str]:
    return list(dict.fromkeys(choice.flows[0] for choice in chosen if len(choice.flows) == 1))


def _question(part: str, choice: Choice, parts: Sequence[str]) -> bool:
    """Whether a part of a message that means something else too is a question for the documents."""
    return len(parts) > 1 and not choice.flows and part.endswith(("?", "？")) and signals.informs(lexicon.plain(part))


def _set(values: Sequence[Filled]) -> list[Command]:
    return [SetSlot(each.name, each.value) for each in values]


def _settled(values: Sequence[Filled], expecting: Expecting, answered: bool) -> bool:
    """Whether the asked slot has its value, or the message was about others that had one."""
    filled = {slot.name for slot in expecting.filled}
    return answered or any(each.correction or each.name in filled for each in values)


def _new(each: Filled, values: Sequence[Filled]) -> bool:
    return all(each.words[1] <= other.words[0] or other.words[1] <= each.words[0] for other in values)


def _covers(text: str, values: Sequence[Filled]) -> bool:
    """Whether little is said beside the values: then nothing else is looked for in the message."""
    return len(filling.FILLER.sub("", filling.without(text.lower(), values))) <= BESIDE
