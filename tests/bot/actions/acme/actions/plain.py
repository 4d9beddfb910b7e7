from __future__ import annotations

import asyncio
import copy
import datetime
import sys
import time
from pathlib import Path
from typing import Any

from rasa_sdk import Action, Tracker, events
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

Events = list[dict[str, Any]]


class ActionGreet(Action):
    def name(self) -> str:
        return "action_greet"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        from helpers import GREETING

        dispatcher.utter_message(text=f"{GREETING}, {tracker.get_slot('name')}")
        return []


class ActionEcho(Action):
    """Tells what it was shown."""

    def name(self) -> str:
        return "action_echo"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        shown = copy.deepcopy(tracker.current_state()) | {"followup_action": tracker.followup_action, "domain": domain}
        tracker.slots["name"] = "changed by the action"
        tracker.events.append({"event": "restart"})
        return [events.SlotSet("shown", shown)]


class ActionRich(Action):
    def name(self) -> str:
        return "action_rich"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="Which?", buttons=[{"title": "Red", "payload": "/SetSlots(colour=red)"}])
        dispatcher.utter_message(image="https://shop.example/kettle.png")
        dispatcher.utter_message(attachment="https://shop.example/label.pdf")
        dispatcher.utter_message(json_message={"map": [52.4, 4.6]}, elements=[{"title": "A card"}])
        dispatcher.utter_message(response="utter_total", amount=12.5)
        return []


class ActionEverything(Action):
    """Every event that rasa-sdk can make, in the order of the contract, and one that nobody knows."""

    def name(self) -> str:
        return "action_everything"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        return [
            events.SlotSet("colour", "red"),
            events.AllSlotsReset(),
            events.FollowupAction("action_greet"),
            events.ConversationPaused(),
            events.ConversationResumed(),
            events.Restarted(),
            events.SessionStarted(),
            events.SessionEnded(metadata={"why": "done"}),
            events.ActiveLoop("order_form"),
            events.LoopInterrupted(True),
            events.ActionExecuted("action_x", "a policy", 0.5),
            events.ActionExecutionRejected("action_y"),
            events.UserUttered("hi", {"intent": {"name": "greet"}}, input_channel="rest"),
            events.BotUttered("hello", {"image": None}, {"utter_action": "utter_hello"}),
            events.AgentUttered("a person speaks"),
            events.ReminderScheduled("remind", datetime.datetime(2026, 12, 1, 9, 0), name="later"),
            events.ReminderCancelled("later"),
            events.UserUtteranceReverted(),
            events.ActionReverted(),
            events.StoryExported(),
            {"event": "levitate"},
        ]


class ActionReject(Action):
    def name(self) -> str:
        return "action_reject"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        raise ActionExecutionRejection(self.name(), "not today")


class ActionBreak(Action):
    def name(self) -> str:
        return "action_break"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        raise ValueError(f"broken for {tracker.sender_id}")


class ActionExit(Action):
    def name(self) -> str:
        return "action_exit"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        sys.exit("enough")


class ActionSleep(Action):
    """Blocks for `seconds`; where `file` is set it leaves a line there first."""

    def name(self) -> str:
        return "action_sleep"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        if file := tracker.get_slot("file"):
            with Path(file).open("a") as log:
                log.write("ran\n")
        time.sleep(tracker.get_slot("seconds"))
        return []


class ActionWait(Action):
    """Waits as a well-behaved action does."""

    def name(self) -> str:
        return "action_wait"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        await asyncio.sleep(tracker.get_slot("seconds"))
        return []


class ActionSquander(Action):
    """Gives back what is no JSON."""

    def name(self) -> str:
        return "action_squander"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        return [events.SlotSet("shown", object())]
