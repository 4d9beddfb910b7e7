"""A neighbour of the actions package, as Rasa bots have them."""

GREETING = "Hello from a neighbour"
