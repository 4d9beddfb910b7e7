"""What a turn said and did, for assertions, coverage and diffs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bot.events import ActionRan, Event, FlowEnded, FlowStarted, HandedOver, Sent, SlotSet, StepTaken, TurnEnded
from bot.flows.model import Act, Flow


@dataclass(slots=True)
class Watched:
    """Follows one conversation: which frame is which flow, and so which step of which flow was taken."""

    flows: Mapping[str, Flow]
    frames: dict[int, str] = field(default_factory=dict)

    def see(self, events: Iterable[Event]) -> list[Deed]:
        """The deeds among new events, in order."""
        return list(self._seen(events))

    def _seen(self, events: Iterable[Event]) -> Iterator[Deed]:
        for event in events:
            match event.body:
                case FlowStarted() as body:
                    self.frames[body.frame] = body.flow
                    yield Deed(body)
                case StepTaken(frame=frame, step=step, phase="") as body:
                    flow = self.frames.get(frame, "")
                    known = self.flows[flow].steps.get(step) if flow in self.flows else None
                    yield Deed(body, flow, known.action if isinstance(known, Act) else "")
                case FlowEnded() | Sent() | SlotSet() | ActionRan() | HandedOver() | TurnEnded() as body:
                    if not isinstance(body, Sent) or event.actor.kind == "bot":
                        yield Deed(body)
                case _:
                    pass


@dataclass(frozen=True, slots=True)
class Deed:
    """One event. Of a step: its flow, and the action that it names."""

    body: FlowStarted | StepTaken | FlowEnded | Sent | SlotSet | ActionRan | HandedOver | TurnEnded
    flow: str = ""
    action: str = ""

    def told(self) -> str | None:  # noqa: PLR0911 - one case an event
        """For people; None for what only machines look at."""
        match self.body:
            case Sent(text=text, template=template, buttons=buttons):
                shown = "".join(f" [{button.title}]" for button in buttons)
                return f"bot ({template or 'its own words'}): {text.text}{shown}"
            case FlowStarted(flow=flow):
                return f"flow started: {flow}"
            case FlowEnded(flow=flow, outcome=outcome, step=step):
                return f"flow {outcome}: {flow} at {step or 'its beginning'}"
            case SlotSet(name=name, value=value):
                return f"slot {name} = {value.text}"
            case ActionRan(name=name, ok=ok, error=error):
                return f"action {name}" + ("" if ok else f": {error}")
            case HandedOver(reason=reason):
                return f"handed over to people: {reason}"
            case TurnEnded(error=error):
                return f"the turn failed: {error}" if error else None
            case _:
                return None
