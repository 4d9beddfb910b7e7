"""A made-up bot to measure with: one process, as often as is wanted, and one conversation that goes through it."""

from __future__ import annotations

from pathlib import Path

from bot.commands import Command, SetSlot, StartFlow

DOMAIN = """
version: "3.1"
slots:
  recipient: {type: text, mappings: [{type: from_llm}]}
  amount: {type: float, mappings: [{type: from_llm}]}
  confirmation: {type: bool, mappings: [{type: from_llm}]}
  has_funds: {type: bool, mappings: [{type: controlled}]}
actions: [action_check_funds, action_execute_transfer]
responses:
  utter_ask_recipient: [{text: "Who should get the money?"}]
  utter_ask_amount: [{text: "How much should {recipient} get?"}]
  utter_ask_confirmation:
    - text: "Send {amount} to {recipient}?"
      buttons:
        - {title: "Yes", payload: "/SetSlots(confirmation=true)"}
        - {title: "No", payload: "/SetSlots(confirmation=false)"}
  utter_no_funds: [{text: "There is not enough in your account."}]
  utter_done: [{text: "{amount} is on its way to {recipient}."}]
  utter_cancelled: [{text: "Nothing was sent."}]
"""

FLOW = """
  transfer{number}:
    name: transfer money {number}
    description: Send money to a contact, the {number}. way
    steps:
      - collect: recipient
        description: name of the person
      - id: ask_amount
        collect: amount
        rejections: [{{if: "slots.amount <= 0", utter: utter_ask_amount}}]
      - action: action_check_funds
        next:
          - if: not slots.has_funds
            then:
              - action: utter_no_funds
              - set_slots: [{{amount: null}}]
                next: ask_amount
          - else: confirm
      - id: confirm
        collect: confirmation
        ask_before_filling: true
        next:
          - if: slots.confirmation
            then: [{{action: action_execute_transfer}}, {{action: utter_done, next: END}}]
          - else: [{{action: utter_cancelled, next: END}}]
"""

COMMANDS: tuple[tuple[Command, ...], ...] = (
    (StartFlow("transfer1"),),
    (SetSlot("recipient", "Ann"),),
    (SetSlot("amount", 50.0),),
    (SetSlot("recipient", "Bob"),),
    (SetSlot("amount", 70.0),),
    (SetSlot("confirmation", True),),
)
PAYLOADS = (
    "/StartFlow(transfer1)",
    "/SetSlots(recipient=Ann)",
    "/SetSlots(amount=50)",
    "/SetSlots(recipient=Bob)",
    "/SetSlots(amount=70)",
    "/SetSlots(confirmation=true)",
)
"""The same, as buttons of the shell's channel."""


def written(folder: Path, flows: int) -> Path:
    """The bot with so many flows in a new folder, fifty a file."""
    (folder / "flows").mkdir(parents=True)
    (folder / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    for start in range(1, flows + 1, 50):
        some = "".join(FLOW.format(number=number) for number in range(start, min(start + 50, flows + 1)))
        (folder / "flows" / f"from{start}.yml").write_text(f"flows:\n{some}", encoding="utf-8")
    return folder
