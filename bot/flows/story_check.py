"""Holds intents, rules, stories and forms against the domain: what is named must be there, and be said in one way."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from itertools import pairwise

from bot.flows.check import BUILT_IN_SLOTS, DEFAULT_ACTIONS
from bot.flows.model import Form, Place, Problem
from bot.flows.responses import Domain
from bot.flows.source import meant
from bot.flows.story import ANY_VALUE, Beat, Rule, Story, Training

BUILT_IN_INTENTS = frozenset(["restart", "back", "session_start", "nlu_fallback", "out_of_scope"])
"""Intents that a rule may name though no `intents:` lists them (out_of_scope: it is listed where it is trained)."""
LOOPS = frozenset(["action_two_stage_fallback"])
"""What counts as a form beside the domain's own."""


def check_training(domain: Domain, training: Training) -> list[Problem]:
    """Everything that does not fit."""
    checking = _Checking(domain, training)
    if training or domain.intents:  # a bot with flows alone has examples of them under their names
        checking.intents()
    for rule in {id(item.place): item for item in training.rules}.values():
        checking.conditions(rule)
    told: tuple[Rule | Story, ...] = (*training.rules, *training.stories)
    for item in told:
        checking.told(item)
    checking.rules_agree()
    checking.checkpoints()
    for form in domain.forms.values():
        checking.form(form)
    checking.mappings()
    return list(dict.fromkeys(checking.problems))


class _Checking:
    """The problems found so far, and what every check looks things up in."""

    def __init__(self, domain: Domain, training: Training) -> None:
        self.domain = domain
        self.training = training
        self.loops = LOOPS | set(domain.forms)
        self.problems: list[Problem] = []

    def wrong(self, code: str, message: str, place: Place, *, warning: bool = False) -> None:
        self.problems.append(Problem(code, message, place, "warning" if warning else "error"))

    def _known(
        self, code: str, name: str, known: Collection[str], words: str, place: Place, *, warning: bool = False
    ) -> None:
        if name not in known:
            self.wrong(code, f"{words}{meant(name, known)}", place, warning=warning)

    # -- what customers say

    def intents(self) -> None:
        nlu, places = self.training.nlu, self.training.nlu.places
        for intent in nlu.intents:
            if intent.partition("/")[0] not in self.domain.intents and intent not in self.domain.intents:
                place = places.get(("intent", intent), Place())
                words = f"the intent {intent!r} has examples, and the domain does not list it under 'intents:'"
                self._known("unknown_intent", intent.partition("/")[0], self.domain.intents, words, place, warning=True)
            if "/" in intent and f"utter_{intent}" not in self.domain.responses:
                message = f"the intent {intent!r} is answered by the response 'utter_{intent}', which there is not"
                self.wrong("missing_response", message, places.get(("intent", intent), Place()))
        trained = {intent.partition("/")[0] for intent in nlu.intents} | set(nlu.intents)
        if self.training:
            for intent in sorted(self.domain.intents - trained - BUILT_IN_INTENTS):
                message = f"the intent {intent!r} has no examples in any 'nlu:': only buttons can bring it about"
                self.wrong("no_examples", message, Place(), warning=True)
        seen: dict[str, str] = {}
        for example in nlu.examples:
            for entity in example.entities:
                words = f"intent {example.intent!r}: the domain lists no entity {entity.entity!r}"
                self._known("unknown_entity", entity.entity, self.domain.entities, words, example.place)
            before = seen.setdefault(example.text.casefold(), example.intent)
            if before != example.intent:
                message = f"{example.text!r} is an example of {before!r} too: it can mean only one of them"
                self.wrong("ambiguous_example", message, example.place, warning=True)

    # -- rules and stories

    def conditions(self, rule: Rule) -> None:
        self._slots_and_loops(rule.condition, f"rule {rule.name!r}: the condition")

    def told(self, item: Rule | Story) -> None:
        what = f"{'rule' if isinstance(item, Rule) else 'story'} {item.name!r}"
        for beat in item.beats:
            if beat.kind == "user":
                self._user(beat, what)
            elif beat.kind == "action" and beat.name is not None:
                self._action(beat.name, what, beat.place)
            elif beat.kind == "checkpoint" and isinstance(item, Rule):
                self.wrong("rule_checkpoint", f"{what}: a rule has no checkpoints; write it as a story", beat.place)
        self._slots_and_loops(item.beats, what)
        says = [beat for beat in item.beats if beat.kind == "user"]
        if isinstance(item, Rule) and len(says) > 1 and not any(beat.kind == "loop" for beat in item.condition):
            message = f"{what}: the customer speaks once in a rule; what goes to and fro is a story or a form"
            self.wrong("rule_turns", message, says[1].place)
        if all(beat.kind != "action" for beat in item.beats) and not any(b.kind == "checkpoint" for b in item.beats):
            self.wrong("no_action", f"{what}: nothing is done in it: it needs an '- action: ...'", item.place)

    def _user(self, beat: Beat, what: str) -> None:
        if beat.name is not None:
            known = self.domain.intents | BUILT_IN_INTENTS | set(self.training.nlu.intents)
            words = f"{what}: there is no intent {beat.name!r}"
            self._known("unknown_intent", beat.name, known, words, beat.place)
        for entity in beat.entities:
            words = f"{what}: there is no entity {entity.entity!r}"
            self._known("unknown_entity", entity.entity, self.domain.entities, words, beat.place)

    def _action(self, name: str, what: str, place: Place) -> None:
        domain = self.domain
        if name in domain.responses or name in domain.forms or name in domain.actions or name in DEFAULT_ACTIONS:
            if name.startswith("utter_") and name not in domain.responses and not self._selects(name):
                message = f"{what} says {name!r}, which has no text: add it under 'responses:'"
                self.wrong("missing_response", message, place)
        elif name.startswith("utter_") and not self._selects(name):
            message = f"{what} says {name!r}, which the domain does not have: add it under 'responses:'"
            self.wrong("missing_response", message + meant(name, domain.responses), place)
        elif not self._selects(name):
            message = f"{what} runs {name!r}, which the domain does not list: add it under 'actions:' or 'forms:'"
            self.wrong("unknown_action", message + meant(name, [*domain.actions, *domain.forms]), place)

    def _selects(self, name: str) -> bool:
        """Whether it is one of a selector's responses that is said: `utter_faq` for `utter_faq/ask_x`."""
        return any(key.startswith(f"{name}/") for key in self.domain.responses)

    def _slots_and_loops(self, beats: Iterable[Beat], what: str) -> None:
        for beat in beats:
            if beat.kind == "loop" and beat.name is not None:
                self._known(
                    "unknown_form", beat.name, self.loops, f"{what}: there is no form {beat.name!r}", beat.place
                )
            if beat.kind != "slot" or beat.name is None or beat.name in BUILT_IN_SLOTS:
                continue
            slot = self.domain.slots.get(beat.name)
            words = f"{what}: the domain has no slot {beat.name!r}"
            self._known("unknown_slot", beat.name, self.domain.slots, words, beat.place)
            if slot is None:
                continue
            if slot.type == "any" or not slot.influence_conversation:
                message = f"{what}: the slot {beat.name!r} does not influence the conversation, so it is not looked at"
                self.wrong("slot_without_influence", message, beat.place, warning=True)
            elif slot.type == "categorical" and beat.value not in (None, ANY_VALUE):
                words = f"{what}: the slot {beat.name!r} cannot be {beat.value!r}"
                known = [choice.casefold() for choice in slot.values]
                self._known("slot_value", str(beat.value).casefold(), known, words, beat.place)

    def rules_agree(self) -> None:
        """Two rules that begin alike must not go on differently."""
        follows: dict[str, tuple[str, Rule]] = {}
        for rule in self.training.rules:
            seen = [_told(beat) for beat in rule.condition] + [["start", rule.from_start]]
            ends = [*rule.beats, *([Beat("action", "action_listen")] if rule.listens else [])]
            for beat in ends:
                if beat.kind == "action" and seen[-1][0] != "start":
                    key = json.dumps(seen, default=str)
                    action, other = follows.setdefault(key, (str(beat.name), rule))
                    if action != beat.name and other.name != rule.name:
                        message = (
                            f"rule {rule.name!r} contradicts rule {other.name!r} ({other.place}): in the same place "
                            f"one goes on with {beat.name!r}, the other with {action!r}"
                        )
                        self.wrong("contradiction", message, rule.place)
                        break
                seen.append(_told(beat))

    def checkpoints(self) -> None:
        ends = {beat.name for story in self.training.stories for beat in story.beats[1:] if beat.kind == "checkpoint"}
        starts = {story.beats[0].name for story in self.training.stories if story.beats[0].kind == "checkpoint"}
        for story in self.training.stories:
            for at, beat in enumerate(story.beats):
                if beat.kind != "checkpoint":
                    continue
                if at == 0 and beat.name not in ends:
                    message = f"story {story.name!r} begins with the checkpoint {beat.name!r}, with which no story ends"
                    self.wrong("checkpoint", message, beat.place)
                if at > 0 and beat.name not in starts:
                    message = f"story {story.name!r} ends with the checkpoint {beat.name!r}, with which no story begins"
                    self.wrong("checkpoint", message, beat.place)
            for beat, after in pairwise(story.beats):
                if beat.kind == "checkpoint" and beat is not story.beats[0] and after.kind != "slot":
                    message = f"story {story.name!r}: a checkpoint stands at the beginning or at the end"
                    self.wrong("checkpoint", message, beat.place)

    # -- forms and slots

    def form(self, form: Form) -> None:
        for name in form.required_slots:
            asks = [f"{kind}_ask_{part}" for part in (f"{form.name}_{name}", name) for kind in ("action", "utter")]
            if name in self.domain.slots and not any(
                ask in self.domain.actions or ask in self.domain.responses for ask in asks
            ):
                message = (
                    f"form {form.name!r} has nothing to ask for {name!r} with: add the response 'utter_ask_{name}'"
                )
                self.wrong("missing_response", message, form.place)
        for intent in form.ignored_intents:
            words = f"form {form.name!r} ignores the intent {intent!r}, which there is not"
            self._known("unknown_intent", intent, self.domain.intents | BUILT_IN_INTENTS, words, form.place)

    def mappings(self) -> None:
        for slot in self.domain.slots.values():
            what = f"slot {slot.name!r}: a mapping"
            for mapping in slot.mappings:
                if mapping.kind == "from_entity" and mapping.entity:
                    words = f"{what} takes the entity {mapping.entity!r}, which the domain does not list"
                    self._known("unknown_entity", mapping.entity, self.domain.entities, words, slot.place)
                for intent in (*mapping.intents, *mapping.not_intents):
                    words = f"{what} names the intent {intent!r}, which there is not"
                    self._known("unknown_intent", intent, self.domain.intents | BUILT_IN_INTENTS, words, slot.place)
                for condition in mapping.conditions:
                    if condition.active_loop:
                        words = f"{what} is for the form {condition.active_loop!r}, which there is not"
                        self._known("unknown_form", condition.active_loop, self.loops, words, slot.place)
                    if condition.requested_slot:
                        words = (
                            f"{what} is for when {condition.requested_slot!r} is asked for, a slot that there is not"
                        )
                        self._known("unknown_slot", condition.requested_slot, self.domain.slots, words, slot.place)


def _told(beat: Beat) -> list[object]:
    entities = [[item.entity, item.value, item.role, item.group] for item in beat.entities]
    return [beat.kind, beat.name, repr(beat.value), beat.text, entities]
