"""Why the bot gave an answer: what was kept with it, joined with the texts it names, and which words weighed most.

Scores, spans and what the check took out are read from the audit trail, as they were when the answer was given. The
words' weights are computed now, from the stored texts and the very versions of the models that answered; where those
are not kept here any more that is said instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.botfile import load_bot
from bot.engines.registry import Registry
from bot.engines.weights import Weights
from bot.errors import EngineError, FrontdeskError, NotFound, SnapshotError
from bot.events import Event, Grounds, Received, Sent, TurnEnded, Understood
from bot.prompts import Prompts
from bot.settings import Settings
from bot.store.base import Store
from retrieval import snapshot as snapshots
from retrieval.encoder import merged, name_of
from retrieval.texts import text_of

Told = dict[str, Any]
ERASED = "(erased)"


async def explain(store: Store, settings: Settings, item: str, *, words: bool = True) -> Told:
    """Everything about one of the bot's replies, as one JSON object. `item` is the id of the reply, of a customer's
    message that it answers, or of a conversation (then its last reply from the documents).

    `words`: compute the words' weights too, which takes seconds. Raises NotFound for an id that nobody knows, and for
    what was not the bot's.
    """
    conversation, sequence = await _place(store, item)
    turn = _turn(await store.events(conversation), sequence)
    said, ended = _reply(turn, sequence)
    body = ended.body
    assert isinstance(body, TurnEnded)  # noqa: S101 - `_reply` found it as one
    grounds = next((each for each in body.grounds if said and each.reply_id == said.reply_id), None)
    versions = dict(ended.versions)
    told: Told = {
        "conversation": conversation,
        "reply": _said(said, ended),
        "question": _question(turn, grounds),
        "outcome": str(body.outcome),
        "confidence": body.confidence,
        "error": body.error,
        **(await asyncio.to_thread(_evidence, settings, grounds)),
        "versions": versions,
        "timings_ms": body.timings_ms,
    }
    found = Found(settings, await _registered(store, settings))
    told |= await asyncio.to_thread(found.now, versions)
    told["words"] = await asyncio.to_thread(found.words, told) if words and grounds else {}
    return told


async def _place(store: Store, item: str) -> tuple[str, int]:
    try:
        return await store.placed(item)
    except NotFound:
        events = await _events(store, item)
    for event in reversed(events):
        if isinstance(event.body, TurnEnded) and event.body.grounds:
            return await store.placed(event.body.grounds[-1].reply_id)
    raise NotFound(f"{item} is no reply, message or conversation that the bot answered from its documents")


async def _events(store: Store, conversation: str) -> list[Event]:
    try:
        return await store.events(conversation)
    except NotFound:
        return []


def _turn(events: Sequence[Event], sequence: int) -> list[Event]:
    """The events of the turn in which something stands: behind the turn before, up to its own end."""
    ends = [event.sequence for event in events if isinstance(event.body, TurnEnded)]
    start = max((end for end in ends if end < sequence), default=0)
    end = min((end for end in ends if end >= sequence), default=0)
    return [event for event in events if start < event.sequence <= end]


def _reply(turn: Sequence[Event], sequence: int) -> tuple[Sent | None, Event]:
    """The bot's reply that is meant, and how its turn ended. None where the bot was silent."""
    if not turn:
        raise NotFound("the bot has not answered that (yet)")
    meant = next((event for event in turn if event.sequence == sequence), turn[-1])
    if isinstance(meant.body, Sent) and meant.actor.kind != "bot":
        raise NotFound(
            f"that was written by {meant.actor.kind} {meant.actor.id}: there is nothing of the bot's to explain"
        )
    if isinstance(meant.body, Sent):
        return meant.body, turn[-1]
    ended = turn[-1].body
    resting = {each.reply_id for each in ended.grounds} if isinstance(ended, TurnEnded) else set()
    sent = [event.body for event in turn if isinstance(event.body, Sent) and event.actor.kind == "bot"]
    return next((body for body in sent if body.reply_id in resting), sent[-1] if sent else None), turn[-1]


def _said(said: Sent | None, ended: Event) -> Told | None:
    if said is None:
        return None
    cited = [citation.model_dump() for citation in said.citations]
    text = ERASED if said.text.text is None else said.text.text
    told = {"id": said.reply_id, "text": text, "language": said.language, "template": said.template}
    return {**told, "citations": cited, "time": ended.time.isoformat()}


def _question(turn: Sequence[Event], grounds: Grounds | None) -> Told:
    """What the customer wrote and showed, and what was made of it."""
    wrote = [event.body.text for event in turn if isinstance(event.body, Received)]
    heard = [event.body.text for event in turn if isinstance(event.body, Understood) and not event.body.note]
    told: Told = {
        "wrote": [ERASED if each.text is None else each.text for each in wrote],
        "heard": [ERASED if each.text is None else each.text for each in heard],
    }
    if grounds is not None:
        erased = grounds.asked.text is None
        told["understood"] = ERASED if erased else grounds.asked.text
        told["context"] = ERASED if erased else grounds.context.text or ""
    return told


def _evidence(settings: Settings, grounds: Grounds | None) -> Told:
    """Passages, candidates, the generator's part and the check's."""
    if grounds is None:
        return {"passages": [], "candidates": [], "generator": None, "check": None}
    scores = grounds.scores
    removed = [
        {
            "text": ERASED if each.text.text is None else each.text.text,
            "rule": each.rule,
            "reason": ERASED if each.reason.text is None else each.reason.text,
        }
        for each in grounds.dropped
    ]
    return {
        "passages": [_passage(settings, each) for each in scores.get("passages", [])],
        "candidates": [_placed(settings, each) for each in scores.get("candidates", [])],
        "generator": {"ended": scores.get("generator", "off"), "worded": bool(scores.get("generated"))},
        "check": {"passed": scores.get("support", []), "removed": removed},
    }


def _passage(settings: Settings, kept: Mapping[str, Any]) -> Told:
    told = _placed(settings, kept)
    if told["text"] is not None and (span := kept.get("span")) and span[1] > span[0]:
        told["read"] = told["text"][span[0] : span[1]]
    return told


def _placed(settings: Settings, kept: Mapping[str, Any]) -> Told:
    """With its title and its words; without them where that version's text is gone."""
    try:
        stored = text_of(settings.index, str(kept["version"]))
    except SnapshotError:
        return {**kept, "title": kept["document"], "text": None}
    return {**kept, "title": stored.title, "text": stored.text[kept["start"] : kept["end"]]}


@dataclass(frozen=True, slots=True)
class Known:
    """A version that the registry keeps: `name` is what the model calls itself, `served` whether it is, now."""

    kind: str
    name: str
    folder: Path
    served: bool


async def _registered(store: Store, settings: Settings) -> list[Known]:
    registry = Registry(store, settings)
    serving = await registry.serving()
    root = settings.home / "registry"
    return [
        Known(each.kind, each.name, root / each.kind / each.version, serving.get(each.kind) == each.version)
        for each in await registry.versions()
    ]


class Found:
    """The models as they lie here: which are served now, and the folders of those that answered."""

    def __init__(self, settings: Settings, registered: Sequence[Known]) -> None:
        self._settings, self._registered = settings, registered
        self._weights = Weights(settings)

    def now(self, versions: Mapping[str, str]) -> Told:
        """What is served now in the place of what answered, and in words what is another one."""
        serving = {"index": snapshots.current(self._settings.index) or ""}
        botfile = load_bot(self._settings.bot)
        serving["prompts"] = Prompts(botfile.prompts_folder).version
        for kind in ("reader", "encoder"):
            served = next((each.name for each in self._registered if each.kind == kind and each.served), None)
            if name := served or self._built_in(kind)[0]:
                serving[kind] = name
        notes = [
            f"the {part} that answered ({versions[part]}) is no longer the one that is served ({name})"
            for part, name in serving.items()
            if versions.get(part) and name not in versions[part] and not versions[part].startswith("fake-")
        ]
        return {"serving": serving, "notes": notes}

    def words(self, told: Mapping[str, Any]) -> Told:
        """The weights of words, for the reader's span and the encoder's cosine; `missing` says why there are none."""
        question = told["question"].get("understood", ERASED)
        if question == ERASED:
            return {"missing": "the customer's words were erased"}
        return {
            "reader": self._guarded(self._reader_words, told, question),
            "encoder": self._guarded(self._encoder_words, told, question),
        }

    def _guarded(self, work: Any, told: Mapping[str, Any], question: str) -> Told:
        try:
            found: Told = work(told, question)
        except (FrontdeskError, OSError) as error:
            return {"missing": str(error)}
        return found

    def _reader_words(self, told: Mapping[str, Any], question: str) -> Told:
        from bot.engines import attribution

        read = [each for each in told["passages"] if each.get("read")]
        if not read:
            return {"missing": "the reader saw no answer in any passage"}
        best = max(read, key=lambda each: each["probability"])
        trained = self._folder("reader", told["versions"].get("reader", ""))
        body = self._weights.path("encoder")
        weighed = attribution.of_span(body, trained, question, best["text"], tuple(best["span"]))
        if weighed is None:
            return {"missing": "the span does not lie in the passage as it is cut now"}
        return {"of": "the margin of the span over no answer, in logits", "read": best["read"], **_weights(weighed)}

    def _encoder_words(self, told: Mapping[str, Any], question: str) -> Told:
        from bot.engines import attribution

        candidates = [each for each in told["candidates"] if each["text"]]
        if not candidates or candidates[0]["figures"].get("near", 0.0) == 0.0:
            return {"missing": "no vectors were compared"}
        sentence = f"{' > '.join(candidates[0]['path'])}: {candidates[0]['text']}"
        folder = self._folder("encoder", told["versions"].get("encoder", ""))
        weighed = attribution.of_cosine(folder, question, sentence)
        return {"of": "the cosine of question and sentence", "read": sentence, **_weights(weighed)}

    def _folder(self, kind: str, name: str) -> Path:
        """Of the version that answered. EngineError when it is not kept here."""
        called, built_in = self._built_in(kind)
        if built_in is not None and called == name:
            return built_in
        for each in self._registered:
            if each.kind != kind or each.name not in name or not each.folder.is_dir():
                continue
            if kind != "encoder":
                return each.folder
            whole = merged(self._weights.path("encoder"), each.folder, self._settings.models)
            if name_of(whole) == name:
                return whole
        raise EngineError(
            f"the {kind} {name or '(none)'} that answered is not kept here: nothing can be computed with it"
        )

    @cache  # noqa: B019 - one object an explanation
    def _built_in(self, kind: str) -> tuple[str, Path | None]:
        """What the manifest's model calls itself, and where it lies; nothing when it is not there."""
        from bot.engines.encoder import folder_of
        from bot.engines.reader import read_recipe

        try:
            folder = self._weights.path(kind) if kind == "reader" else folder_of(self._settings, self._weights)
            return (f"bert-{read_recipe(folder).version}" if kind == "reader" else name_of(folder)), folder
        except FrontdeskError:
            return "", None


def _weights(weighed: Any) -> Told:
    return {
        "figure": round(weighed.figure, 4),
        "baseline": round(weighed.baseline, 4),
        "rest": round(weighed.rest, 4),
        **{
            side: [{**asdict(word), "weight": round(word.weight, 4)} for word in weighed.heaviest(side)]
            for side in ("question", "passage")
        },
    }
