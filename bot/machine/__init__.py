"""The dialogue machine: from the state and what a customer wants to what the bot does next. Pure; nothing here waits.

`begin` takes the commands of a message, `resume` goes on after what only the outside can do (an action, an answer from
the documents). Both give a `Batch`: events and effects in order, and what the outside is to do, if anything. The same
state and commands give the same batch.
"""

from bot.machine.effects import Answer, Batch, Effect, RunAction, Utter
from bot.machine.expecting import expecting
from bot.machine.run import begin, resume

__all__ = ["Answer", "Batch", "Effect", "RunAction", "Utter", "begin", "expecting", "resume"]
