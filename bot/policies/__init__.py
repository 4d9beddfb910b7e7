"""What a bot with intents does next: rules and forms as written, stories where the last events match them. Pure.

`track` turns a conversation's events into moments, `predict` says which action follows, `extract` which slots a message
fills. Carrying it out is `bot.assistant`'s.
"""
