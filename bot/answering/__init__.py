"""The parts of `bot.answer`: what is searched, the sentence that answers, how sure that is, and its wording."""
