"""What the bot does at the restaurant's till, written with rasa-sdk alone."""

from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import SlotSet


class ValidateRestaurantForm(FormValidationAction):
    def name(self):
        return "validate_restaurant_form"

    def validate_cuisine(self, slot_value, dispatcher, tracker, domain):
        if slot_value.lower() in ("italian", "greek", "chinese", "thai"):
            return {"cuisine": slot_value.lower()}
        dispatcher.utter_message(text=f"We have no {slot_value} kitchen.")
        return {"cuisine": None}

    def validate_num_people(self, slot_value, dispatcher, tracker, domain):
        if slot_value and 0 < slot_value <= 12:
            return {"num_people": slot_value}
        dispatcher.utter_message(text="We have room for one to twelve.")
        return {"num_people": None}


class BookTable(Action):
    def name(self):
        return "action_book_table"

    def run(self, dispatcher, tracker, domain):
        people = int(tracker.get_slot("num_people"))
        return [SlotSet("booking_number", f"T{people:03d}")]
