"""Cases for the bank's bot of the flow tests, as Rasa's documentation writes them."""

from __future__ import annotations

from pathlib import Path

from tests.bot.flows.bots import write

ACTIONS = """
from rasa_sdk import Action
from rasa_sdk.events import SlotSet


class CheckFunds(Action):
    def name(self):
        return "action_check_funds"

    def run(self, dispatcher, tracker, domain):
        poor = tracker.latest_message["metadata"].get("account") == "empty"
        return [SlotSet("has_funds", not poor)]


class Transfer(Action):
    def name(self):
        return "action_execute_transfer"

    def run(self, dispatcher, tracker, domain):
        return []
"""

CASES = """
fixtures:
  - ann: [{recipient: Ann}]
metadata:
  - poor: {account: empty}
stub_custom_actions:
  in place of the action::action_check_funds:
    events: [{event: slot, name: has_funds, value: true}]
    responses: [{text: "Looked it up."}]
test_cases:
  - test_case: a transfer
    fixtures: [ann]
    steps:
      - user: /StartFlow(transfer)
        assertion_order_enabled: true
        assertions:
          - flow_started: transfer
          - bot_uttered: {utter_name: utter_ask_amount, text_matches: "Ann get"}
          - bot_did_not_utter: {utter_name: utter_ask_recipient}
      - user: /SetSlots(amount=50)
        assertions:
          - slot_was_set: [{name: amount, value: 50}, {name: has_funds, value: true}]
          - slot_was_not_set: [{name: amount, value: 51}, {name: colour}]
          - action_executed: action_check_funds
          - action_executed: utter_ask_confirmation
          - bot_uttered: {buttons: [{title: "Yes", payload: /SetSlots(confirmation=true)}]}
      - user: /SetSlots(confirmation=true)
        assertions:
          - flow_completed: {flow_id: transfer}
          - bot_uttered: {text_matches: "^Sent"}
  - test_case: the older steps
    steps:
      - user: /StartFlow(paint)
      - utter: utter_ask_colour
      - user: /SetSlots(colour=red)
      - slot_was_set: [colour: red]
      - slot_was_not_set: [amount]
      - bot: "It is red now."
  - test_case: too little money
    fixtures: [ann]
    metadata: poor
    steps:
      - user: /StartFlow(transfer)
        assertions:
          - flow_started: {operator: any, flow_ids: [transfer, pattern_continue_interrupted]}
      - user: /SetSlots(amount=50)
        assertions:
          - slot_was_set: [{name: has_funds, value: false}]
          - bot_uttered: {utter_name: utter_no_funds}
  - test_case: in place of the action
    fixtures: [ann]
    metadata: poor
    steps:
      - user: /StartFlow(transfer)
      - user: /SetSlots(amount=50)
        assertions:
          - bot_uttered: {text_matches: "Looked it up"}
          - slot_was_set: [{name: has_funds, value: true}]
"""


def bank(folder: Path) -> Path:
    """The bank's bot with a package of actions."""
    write(folder)
    (folder / "actions").mkdir()
    (folder / "actions" / "__init__.py").write_text(ACTIONS)
    return folder


def written(folder: Path, text: str = CASES) -> str:
    """A file of tests."""
    (folder / "cases.yml").write_text(text)
    return str(folder / "cases.yml")
