"""One walk through the flows: the stack and the slots as they change, and what is written down on the way.

A `Walk` starts from a State and keeps pace with it: folding what it wrote gives the same stack and slots (a property
test says so), only faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.events import Body, FlowEnded, FlowResumed, FlowStarted, SlotSet, StepTaken
from bot.flows.load import Loaded
from bot.flows.model import Collect, Flow
from bot.machine.effects import Effect, Outside, Utter
from bot.stack import Frame, Kind, Phase, decoded, encoded
from bot.state import State
from bot.types import Button, Outcome


@dataclass(slots=True)
class Open:
    """A frame at work."""

    id: int
    flow: Flow
    step: str
    phase: Phase
    kind: Kind
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_user(self) -> bool:
        """Whether it is one of the bot's processes, and no repair."""
        return self.kind != "pattern"


class Walk:
    """See the module's docstring. `failures` is how many times in a row nothing was understood."""

    def __init__(self, bot: Loaded, state: State, failures_in_a_row: int = 2) -> None:
        self.domain = bot.domain
        self.flows = bot.processes.flows
        self.overridden = bot.processes.overridden
        self.state = state
        self.failures_in_a_row = failures_in_a_row
        self.items: list[Body | Effect] = []
        self.outside: Outside | None = None
        self.steps = 0
        self.number = state.frames
        self.slots = values(bot, state)
        self.open: list[Open] = []
        for frame in state.stack:
            self._reopen(frame)

    # -- reading

    @property
    def top(self) -> Open | None:
        return self.open[-1] if self.open else None

    @property
    def process(self) -> Open | None:
        """The process on top, whatever repair lies above it."""
        return next((frame for frame in reversed(self.open) if frame.is_user), None)

    @property
    def asking(self) -> tuple[Open, Collect] | None:
        """The frame and the step whose question is open."""
        for frame in reversed(self.open):
            step = frame.flow.steps.get(frame.step)
            if isinstance(step, Collect) and frame.phase in ("asked", "asking"):
                return frame, step
            if frame.is_user:
                return None
        return None

    def initial(self, name: str) -> Any:
        slot = self.domain.slots.get(name)
        return slot.initial_value if slot is not None else None

    def family(self, frame: Open) -> list[Open]:
        """The frame, those that called it, and those that it called: one process, the outermost first."""
        at = self.open.index(frame)
        start = at
        while start > 0 and self.open[start].kind == "call":
            start -= 1
        end = at + 1
        while end < len(self.open) and self.open[end].kind == "call":
            end += 1
        return self.open[start:end]

    # -- writing

    def say(
        self,
        template: str,
        frame: Open | None = None,
        *,
        context: Mapping[str, Any] | None = None,
        buttons: tuple[Button, ...] = (),
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        """Have a response said. One that the domain does not have is left out: `validate` reports it."""
        if template not in self.domain.responses:
            return
        known = {**(frame.context if frame is not None else {}), **(context or {})}
        self.items.append(Utter(template, dict(self.slots), known, buttons, outcome))

    def set(self, name: str, value: Any, by: Any = "flow") -> None:
        if self.slots.get(name) == value and type(self.slots.get(name)) is type(value):
            return
        self.slots[name] = value
        self.items.append(SlotSet(name=name, value=encoded(value), by=by))

    def push(self, flow: Flow, kind: Kind, context: Mapping[str, Any] | None = None, below: int = 0) -> Open:
        self.number += 1
        frame = Open(self.number, flow, "", "", kind, context or {})
        self.open.insert(len(self.open) - below, frame)
        words = encoded(context) if context else None
        given = {"context": words} if words is not None else {}
        self.items.append(FlowStarted(frame=frame.id, flow=flow.id, kind=kind, below=below, **given))
        return frame

    def at(self, frame: Open, step: str, phase: Phase = "") -> None:
        frame.step, frame.phase = step, phase
        self.items.append(StepTaken(frame=frame.id, step=step, phase=phase))

    def drop(self, frame: Open, outcome: Any) -> None:
        """Take a frame off the stack; its slots stay."""
        self.open.remove(frame)
        self.items.append(FlowEnded(frame=frame.id, flow=frame.flow.id, step=frame.step, outcome=outcome))

    def close(self, frame: Open, outcome: Any) -> None:
        """Take a frame off the stack; what it collected is forgotten, unless it goes on in whoever called it."""
        self.drop(frame, outcome)
        if frame.is_user and frame.kind != "call":
            for name in frame.flow.resets:
                self.set(name, self.initial(name), "reset")

    def raise_(self, frame: Open) -> None:
        """Put a frame that waits, and what it called, on top."""
        family = self.family(frame)
        family = family[family.index(frame) :]
        self.open = [item for item in self.open if item not in family] + family
        self.items.append(FlowResumed(frame=frame.id, flow=frame.flow.id))

    def repair(self, pattern: str, **context: Any) -> Open:
        """Put a repair flow on top."""
        return self.push(self.flows[pattern], "pattern", context)

    def _reopen(self, frame: Frame) -> None:
        """A frame of the state. One whose flow or step the bot no longer has is ended: it cannot go on."""
        flow = self.flows.get(frame.flow)
        if flow is None or (frame.step and frame.step not in flow.steps):
            self.items.append(FlowEnded(frame=frame.id, flow=frame.flow, step=frame.step, outcome="expired"))
            return
        context = decoded(frame.context) or {}
        self.open.append(Open(frame.id, flow, frame.step, frame.phase, frame.kind, context))


def values(bot: Loaded, state: State) -> dict[str, Any]:
    """The slots of a conversation, those with their initial values too."""
    found = {name: slot.initial_value for name, slot in bot.domain.slots.items()}
    return found | {name: decoded(words) for name, words in state.slots.items()}
