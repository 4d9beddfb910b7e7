"""A shop's own database, as the built-in actions use it, and the demo company's figures for it."""
