"""The actions of a bot written from Rasa's documentation; run in process and by `python -m rasa_sdk`."""
