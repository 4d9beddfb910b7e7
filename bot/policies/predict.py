"""Which action is next: a rule or an open form decides; else a story that the last moments match; else the fallback.

Source: Rasa 3's RulePolicy and AugmentedMemoizationPolicy (https://legacy-docs-oss.rasa.com/docs/rasa/policies).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.flows.model import Slot
from bot.flows.story import Beat, Rule, Story, Thresholds, Training
from bot.policies.track import LISTEN, SNIPPET, UNSAID, Moment, applied, decisions, feature, fits

DEFAULTS = {"restart": "action_restart", "back": "action_back", "session_start": "action_session_start"}
"""The intents that every bot knows, and what they bring about."""
MOST_STORIES = 500
"""So many stories may come of checkpoints."""


@dataclass(frozen=True, slots=True)
class Entry:
    """In these moments, the last one now, `action` follows."""

    moments: tuple[Moment, ...]
    action: str
    name: str

    @property
    def said(self) -> int:
        return sum(moment.said for moment in self.moments)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The next action, by whom: a rule, an open form, a story, the fallback. `name` is the rule's or the story's."""

    action: str
    by: Literal["rule", "form", "story", "fallback", "default", "nobody"]
    name: str = ""


class Policies:
    """The rules and stories of a bot, ready to be looked up. `slots` are the domain's."""

    def __init__(self, training: Training, slots: Mapping[str, Slot], thresholds: Thresholds) -> None:
        self._slots = slots
        self._thresholds = thresholds
        self._rules = [entry for rule in training.rules for entry in _of_rule(rule, slots)]
        stories = _whole(training.stories)
        self._stories = [entry for story in stories for entry in _of_story(story, slots)]

    def next(self, beats: Sequence[Beat], slots: Mapping[str, Any]) -> Prediction:
        """What follows these beats of a conversation. `slots` hold what they hold now."""
        counting = applied(beats)
        named = {beat.name for beat in counting if beat.kind == "slot"}
        known = {name: slot for name, slot in self._slots.items() if slot.type != "any" and slot.influence_conversation}
        held = {name: feature(slot, slots.get(name)) for name, slot in known.items() if name not in named}
        before, now = decisions(counting, self._slots, held=held)
        moments = [*(moment for moment, _ in before), now]
        if now.action == LISTEN and now.user is not None and now.user.name in DEFAULTS:
            return Prediction(DEFAULTS[now.user.name], "default")
        loop = now.loop if isinstance(now.loop, str) else None
        if loop is not None and not _rejected(loop, counting):
            return Prediction(LISTEN if now.action == loop else loop, "form")
        rule = self._rule(moments)
        if loop is not None and rule is not None and rule.action == LISTEN and rule.moments[-1].loop is UNSAID:
            rule = None  # a rule for anywhere has interrupted the form, which goes on unless a story says otherwise
        if rule is not None:
            return Prediction(rule.action, "rule", rule.name)
        if (story := self._story(moments)) is not None:
            return Prediction(story.action, "story", story.name)
        if now.action != LISTEN:
            return Prediction(loop or LISTEN, "nobody" if loop is None else "form")
        return Prediction(self._thresholds.action or LISTEN, "fallback")

    def begins(self, intent: str) -> bool:
        """Whether some rule or story takes up this intent."""
        names = (intent, intent.partition("/")[0])
        users = (
            entry.moments[-1].user for entry in (*self._rules, *self._stories) if entry.moments[-1].action == LISTEN
        )
        return any(user is not None and user.name in names for user in users)

    def _rule(self, moments: Sequence[Moment]) -> Entry | None:
        return max((each for each in self._rules if _fits(each, moments)), key=lambda each: each.said, default=None)

    def _story(self, moments: Sequence[Moment]) -> Entry | None:
        found = [
            (sum(moment.said for moment in entry.moments[-self._thresholds.history :]), entry)
            for entry in self._stories
            if _fits(entry, moments, last=self._thresholds.history)
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None


def _fits(entry: Entry, moments: Sequence[Moment], last: int | None = None) -> bool:
    """Whether the conversation's last moments are the entry's; of a story, the `last` so many."""
    wanted = entry.moments if last is None else entry.moments[-last:]
    for place, moment in enumerate(reversed(wanted), start=1):
        if place > len(moments):
            return False
        found = moments[-place]
        if moment.action is None and found.action is None:
            return True
        if not fits(moment, found, strict=last is not None):
            return False
    return True


def _rejected(form: str, beats: Sequence[Beat]) -> bool:
    """Whether the open form would not take what was said, and did not run since."""
    for beat in reversed(beats):
        if beat.name == form and beat.kind in ("action", "rejected"):
            return beat.kind == "rejected"
    return False


def _of_rule(rule: Rule, slots: Mapping[str, Slot]) -> Iterable[Entry]:
    given = [*rule.condition, *rule.beats, *([Beat("action", LISTEN)] if rule.listens else [])]
    made, _ = decisions(given, slots, begin=None if rule.from_start else SNIPPET, loop=UNSAID)
    for at, (_, action) in enumerate(made):
        moments = tuple(moment for moment, _ in made[: at + 1] if moment.action != SNIPPET)
        if moments:
            yield Entry(moments, action, rule.name)


def _of_story(story: Story, slots: Mapping[str, Slot]) -> Iterable[Entry]:
    """A story may begin anywhere: what came before it is not looked at."""
    made, _ = decisions([*applied(story.beats), Beat("action", LISTEN)], slots, loop=UNSAID)
    for at, (moment, action) in enumerate(made):
        if moment.action is not None:
            yield Entry(tuple(each for each, _ in made[: at + 1] if each.action is not None), action, story.name)


def _whole(stories: Sequence[Story]) -> list[Story]:
    """Stories joined at their checkpoints."""
    begins: dict[str, list[Story]] = {}
    for story in stories:
        if story.beats[0].kind == "checkpoint":
            begins.setdefault(str(story.beats[0].name), []).append(story)
    waiting = [(story, frozenset[str]()) for story in stories if story.beats[0].kind != "checkpoint"]
    whole: list[Story] = []
    while waiting and len(whole) < MOST_STORIES:
        story, passed = waiting.pop(0)
        ends = next((str(beat.name) for beat in story.beats[1:] if beat.kind == "checkpoint"), None)
        followers = begins.get(ends, []) if ends is not None and ends not in passed else []
        if not followers:
            whole.append(story)
        for other in followers:
            kept = tuple(beat for beat in story.beats if beat.kind != "checkpoint")
            joined = Story(f"{story.name} > {other.name}", (*kept, *other.beats[1:]), story.place)
            waiting.append((joined, passed | {str(ends)}))
    return whole
