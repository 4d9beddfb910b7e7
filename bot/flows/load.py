"""Loads a bot's whole behaviour from its folder: the domain, the flows, the default repair flows, and what is wrong.

Where files may lie: `domain.yml` or `domain/`; flows in `flows.yml`, `flows/` or below `data/` (Rasa's place), where
`nlu.yml`, `rules.yml` and `stories.yml` lie too. Any of these files may hold parts of the domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.flows.check import check
from bot.flows.domain import DATA_KEYS, merge_domain, read_files
from bot.flows.flow import read_flows
from bot.flows.model import Call, Collect, Flow, Problem, Processes, SetSlots
from bot.flows.nlu import merge_nlu
from bot.flows.responses import Domain
from bot.flows.source import Source, Table, files
from bot.flows.stories import read_stories
from bot.flows.story import Training
from bot.flows.story_check import check_training

PATTERNS = Path(__file__).with_name("patterns.yml")
BASE = Path(__file__).with_name("base.yml")
PLACES = ("domain.yml", "domain.yaml", "domain", "flows.yml", "flows.yaml", "flows", "data")

HARMLESS = frozenset(
    (
        *("unknown_key", "unreachable_step", "slot_never_filled", "persisted_slot", "description"),
        *("unknown_entity", "nlu_example", "nlu_item", "checkpoint", "no_action"),
    )
)
"""Mistakes with which a bot runs all the same."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a bot's folder says. `problems` are all of it, errors first. `training`: what it has of intents."""

    domain: Domain
    processes: Processes
    problems: tuple[Problem, ...]
    training: Training = field(default_factory=Training)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Those that keep the bot from running; nothing hangs on the others."""
        return tuple(item for item in self.problems if item.level == "error" and item.code not in HARMLESS)


def load(folder: Path, *, language: str = "en", constants: Mapping[str, str] | None = None) -> Loaded:
    """Read and check a bot's folder. Never raises for what is written there: that is in `problems`."""
    problems: list[Problem] = []
    found = list(dict.fromkeys(file for name in PLACES for file in files(folder / name)))
    contents = read_files(found, problems)
    if not contents:
        message = f"there is no domain in {folder}: it is domain.yml or a folder domain/, with flows in data/ or flows/"
        problems.append(Problem("no_domain", message))
    domain = merge_domain(contents, problems, language=language, constants=constants, others=DATA_KEYS)
    training = Training(merge_nlu(contents), *read_stories(contents))
    return assembled(domain, _flows(contents), problems, training)


def assembled(
    domain: Domain, flows: Mapping[str, Flow], problems: list[Problem], training: Training | None = None
) -> Loaded:
    """A bot's own domain and flows with the default repair flows and their responses below them, checked."""
    training = training or Training()
    defaults, base = patterns(domain.language)
    overridden = frozenset(flows) & frozenset(defaults)
    whole = {**defaults, **flows}
    whole = {id: _complete(flow, whole) for id, flow in whole.items()}
    for name in domain.missing(base.responses):
        domain.responses[name] = base.responses[name]
    processes = Processes(whole, overridden=overridden)
    problems += check(domain, processes)
    problems += check_training(domain, training)
    ordered = sorted(problems, key=lambda item: (item.level != "error", item.place.file, item.place.line))
    return Loaded(domain, replace(processes, problems=tuple(ordered)), tuple(ordered), training)


def patterns(language: str = "en") -> tuple[dict[str, Flow], Domain]:
    """The default repair flows, and the responses that they use."""
    return _shipped(PATTERNS, language)


def with_base(domain: Domain, names: Iterable[str]) -> None:
    """Give a domain those of the responses that every bot has which are missing: it was written for something else."""
    _, base = _shipped(BASE, domain.language)
    for name in domain.missing(names):
        if name in base.responses:
            domain.responses[name] = base.responses[name]


def _shipped(file: Path, language: str) -> tuple[dict[str, Flow], Domain]:
    problems: list[Problem] = []
    contents = read_files([file], problems)
    domain = merge_domain(contents, problems, others=DATA_KEYS)
    return _flows(contents), domain if language == "en" else _in_language(domain, language)


def _in_language(domain: Domain, language: str) -> Domain:
    """The defaults for a domain whose own language is another: what is translated stands first, English beside it."""
    turned = {
        name: tuple(
            item.model_copy(
                update={
                    "text": item.translation.get(language, item.text),
                    "translation": {"en": item.text, **item.translation},
                }
            )
            for item in variations
        )
        for name, variations in domain.responses.items()
    }
    return Domain(turned, language=language)


def _flows(contents: Sequence[tuple[Source, Table]]) -> dict[str, Flow]:
    flows: dict[str, Flow] = {}
    for source, content in contents:
        given = source.table(content.get("flows"), "'flows'", content, "flows")
        for id, flow in read_flows(given, source).items():
            if id in flows:
                message = f"the flow {id!r} stands in {flows[id].place} too: each may stand once"
                source.problems.append(Problem("twice", message, flow.place))
            else:
                flows[id] = flow
    return flows


def _complete(flow: Flow, flows: Mapping[str, Flow]) -> Flow:
    """The flow with what follows from it and the flows that it calls: the slots it asks for, and those it forgets."""
    collects: dict[str, bool] = {}
    sets: dict[str, None] = {}
    for step in _steps(flow, flows, set()):
        if isinstance(step, Collect):
            collects[step.slot] = collects.get(step.slot, True) and step.reset_after_flow_ends
        elif isinstance(step, SetSlots):
            sets |= dict.fromkeys(name for name, _ in step.values)
    kept = flow.persisted_slots | {name for name, reset in collects.items() if not reset}
    resets = tuple(name for name in dict.fromkeys([*collects, *sets]) if name not in kept)
    return replace(flow, collects=tuple(collects), resets=resets)


def _steps(flow: Flow, flows: Mapping[str, Flow], seen: set[str]) -> list[object]:
    if flow.id in seen:
        return []
    seen.add(flow.id)
    found: list[object] = []
    for step in flow.steps.values():
        found.append(step)
        if isinstance(step, Call) and step.flow in flows:
            found += _steps(flows[step.flow], flows, seen)
    return found
