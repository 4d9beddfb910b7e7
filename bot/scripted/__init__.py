"""Scripted conversations: Rasa's end-to-end tests, read, run against a bot, reported, and made of what was recorded."""
