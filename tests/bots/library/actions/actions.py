"""What the bot does at the library's counter, written with rasa-sdk alone."""

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

SHELF = {"middlemarch", "dubliners"}


class LookOnShelf(Action):
    def name(self):
        return "action_look_on_shelf"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("on_shelf", tracker.get_slot("title").lower() in SHELF)]


class Lend(Action):
    def name(self):
        return "action_lend"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"Noted: {tracker.get_slot('title')}.")
        return []


class ShowLoans(Action):
    def name(self):
        return "action_show_loans"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"Card {tracker.get_slot('card')} has Ulysses until Friday.")
        return []
