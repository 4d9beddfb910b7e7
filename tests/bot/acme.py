"""A small bot: the demo company's words, two documents of its own, fakes for every engine."""

from __future__ import annotations

import shutil
from pathlib import Path

from bot.botfile import find_data

FAKES = dict.fromkeys(("speech", "captioner", "encoder", "reader", "checker", "generator"), "fake")
PAGE = "---\ntitle: Delivery\n---\n\n# Delivery\n\nA parcel takes two working days inside the country.\n"
QUESTION = "How many working days does a parcel take?"
INTERNAL = "# Refunds by hand\n\nA parcel that is lost is refunded from account 4711.\n"
BOT = """
name = "Acme"
bot_name = "Bo"
languages = ["en", "zh"]
collections = ["help"]
[thresholds]
en = 0.2
[[documents]]
path = "docs/help"
collection = "help"
[[documents]]
path = "docs/internal"
collection = "internal"
audience = "internal"
"""


def write(folder: Path) -> Path:
    """The bot's folder, to be named in `settings.bot`."""
    shutil.copytree(find_data() / "prompts", folder / "prompts")
    (folder / "domain").mkdir()
    shutil.copy(find_data() / "domain" / "responses.yml", folder / "domain")  # what it says; its processes stay behind
    for name, text in (("help/delivery", PAGE), ("internal/refunds", INTERNAL)):
        file = folder / "docs" / f"{name}.md"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (folder / "bot.toml").write_text(BOT)
    return folder
