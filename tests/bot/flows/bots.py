"""Bots to test with, as a stranger writes them from Rasa's documentation."""

from __future__ import annotations

from pathlib import Path

DOMAIN = """
version: "3.1"
slots:
  recipient: {type: text, mappings: [{type: from_llm}]}
  amount: {type: float, mappings: [{type: from_llm}]}
  confirmation: {type: bool, mappings: [{type: from_llm}]}
  has_funds: {type: bool, mappings: [{type: custom}]}
  verified: {type: bool, initial_value: true, mappings: [{type: controlled}]}
  colour: {type: categorical, values: [red, green, blue], mappings: [{type: from_llm}]}
  reason: {type: text, mappings: [{type: from_llm}]}
  card: {type: text, mappings: [{type: from_llm}]}
responses:
  utter_ask_recipient: [{text: "Who should get the money?"}]
  utter_ask_amount: [{text: "How much should {recipient} get?"}]
  utter_ask_confirmation:
    - text: "Send {amount} to {recipient}?"
      buttons:
        - {title: "Yes", payload: "/SetSlots(confirmation=true)"}
        - {title: "No", payload: "/SetSlots(confirmation=false)"}
  utter_bad_recipient: [{text: "A name does not begin with a digit."}]
  utter_no_funds: [{text: "There is not enough money for that."}]
  utter_cancelled: [{text: "Nothing was sent."}]
  utter_sent: [{text: "Sent."}]
  utter_ask_colour: [{text: "Which colour?"}]
  utter_coloured: [{text: "It is {colour} now."}]
  utter_ask_reason: [{text: "Why do you block it?"}]
  utter_ask_card: [{text: "Which card?"}]
  utter_blocked_card: [{text: "The card {card} is blocked."}]
actions: [action_check_funds, action_execute_transfer]
session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}
"""

TRANSFER = """
flows:
  transfer:
    name: transfer money
    description: Let a customer send money to a contact
    if: slots.verified
    steps:
      - collect: recipient
        description: name of the person
        rejections: [{if: "slots.recipient matches \\"^[0-9]\\"", utter: utter_bad_recipient}]
      - id: ask_amount
        collect: amount
      - action: action_check_funds
        next:
          - if: not slots.has_funds
            then:
              - action: utter_no_funds
              - set_slots: [{amount: null}]
                next: ask_amount
          - else: confirm
      - id: confirm
        collect: confirmation
        ask_before_filling: true
        next:
          - if: slots.confirmation
            then:
              - action: action_execute_transfer
              - action: utter_sent
                next: END
          - else: [{action: utter_cancelled, next: END}]
"""

OTHERS = """
flows:
  paint:
    description: Change the colour of a thing
    persisted_slots: [colour]
    steps:
      - collect: colour
      - action: utter_coloured
  which_card:
    description: Find out which card is meant
    if: false
    steps:
      - collect: card
  block:
    name: block a card
    description: Block a card that was lost
    steps:
      - call: which_card
      - collect: reason
        next:
          - if: slots.reason is "paint"
            then:
              - link: paint
          - else: done
      - id: done
        action: utter_blocked_card
"""


def write(folder: Path, **files: str) -> Path:
    """A bot's folder: the domain and flows above, and further files (`data__x` is data/x.yml)."""
    texts = {"domain": DOMAIN, "data__transfer": TRANSFER, "data__others": OTHERS} | files
    for name, text in texts.items():
        file = folder / f"{name.replace('__', '/')}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
