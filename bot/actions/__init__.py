"""Actions: code that a bot's processes run, in this process or on an action server, and the built-in ones."""
