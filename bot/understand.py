"""From what a customer wrote, said or pressed to commands. Rules over the lexicon: quick, the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import lexicon, pressed
from bot.commands import Ask, Command, Nothing, SmallTalk, WantPerson
from bot.lexicon.talk import small_talk, upset
from bot.state import State
from bot.types import Button, Outcome

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\u1100-\u11ff\uac00-\ud7af]")
LETTER = re.compile(r"[^\W\d_]")
OPAQUE = re.compile(r"\S*[@\d]\S*|https?://\S+")
"""E-mail addresses, codes and links belong to no language."""
HAN_SHARE = 0.2
"""A Chinese character says about as much as four letters: from this share of all letters on, a text is Chinese."""

GREETING = 80
"""A greeting before a question is at most so many characters long."""

HANDOVER = "/handover"


def detect_language(text: str, default: str, known: Sequence[str] = ("en", "zh")) -> str:
    """The language of a text, by its script: "zh", "en"; `default` when the script does not tell, or is not `known`."""
    text = OPAQUE.sub(lambda word: "".join(HAN.findall(word[0])), text)
    letters = LETTER.findall(text)
    if len(letters) < 2 and not HAN.search(text):
        return default
    if KANA_OR_HANGUL.search(text):
        return default
    if len(HAN.findall(text)) >= HAN_SHARE * len(letters):
        return "zh" if "zh" in known else default
    latin = sum(letter.isascii() for letter in letters)
    if latin >= 0.8 * len(letters) and (len(letters) >= 4 or default == "en"):
        return "en" if "en" in known else default
    return default


def understand(text: str, payload: str | None, state: State, language: str) -> list[Command]:  # noqa: PLR0911 - one a case
    """The commands of one message. `payload` counts only if the bot offered it in this conversation.

    `language` is the language that the customer is answered in; the text is held against all languages.
    """
    if payload is not None and (button := _offered(payload, state.offered)):
        return [_pressed(button)]
    words = lexicon.plain(text)
    if not words:
        return [Nothing()]
    if button := next((choice for choice in state.choices if lexicon.plain(choice.title) == words), None):
        return [_pressed(button)]
    if wants_person(words):
        return [WantPerson("asked")]
    if (reply := _reply(words, state)) is not None:
        return [reply]
    kinds, rest = small_talk(words)
    if not rest or lexicon.says("yes", words):
        return [SmallTalk(kinds[0] if kinds else "unclear")]
    if upset(words):
        return [SmallTalk("anger")]
    if not LETTER.search(rest) and not any(character.isdigit() for character in rest):
        return [SmallTalk(kinds[0] if kinds else "unclear")]
    return [Ask(_tail(text, rest) if rest != words else text.strip())]


def wants_person(words: str) -> bool:
    """Whether the `plain` text asks for a person, and does not say that none is wanted."""
    for entry in lexicon.lexicons():
        for match in entry.signals["person"].finditer(words):
            if not entry.signals["not_person"].search(words[: match.start()]):
                return True
    return False


def _tail(text: str, rest: str) -> str:
    """The question without the greeting before it, as the customer wrote it."""
    starts = range(min(len(text), GREETING))
    return next((text[start:].strip() for start in starts if lexicon.plain(text[start:]) == rest), text.strip())


def _reply(words: str, state: State) -> Command | None:
    """A bare yes or no. After "shall I bring in a colleague?" a yes means just that."""
    offered = state.last_outcome is Outcome.ABSTAINED or any(choice.payload == HANDOVER for choice in state.choices)
    if offered and lexicon.says("yes", words):
        return WantPerson("asked")
    if lexicon.says("no", words):
        return SmallTalk("acknowledgement")
    return None


def _offered(payload: str, offered: Sequence[Button]) -> Button | None:
    return next((button for button in reversed(offered) if button.payload == payload), None)


def _pressed(button: Button) -> Command:
    """A payload that no command stands for is as if the customer had typed it."""
    return WantPerson("asked") if button.payload == HANDOVER else Ask(pressed.text(button))
