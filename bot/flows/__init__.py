"""A bot's domain and flows: loaded, checked, as plain data.

`model` has the types, `conditions` what an `if:` may say, `expecting` what understanding is told, `responses` what the
bot says in words of its own.
"""

from bot.flows.responses import ButtonText, Domain, Variation, load_domain

__all__ = ["ButtonText", "Domain", "Variation", "load_domain"]
