"""From what a customer wrote, said or pressed to commands. Rules over the lexicon: quick, the same on every machine."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import lexicon
from bot.commands import Ask, Command, Nothing, SmallTalk, WantPerson
from bot.state import State
from bot.types import Button, Outcome

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\u1100-\u11ff\uac00-\ud7af]")
LETTER = re.compile(r"[^\W\d_]")
BETWEEN = re.compile(r"[\s.,!?;:~…·、。！？，；：～\"'()\-–—*_^]+")
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


def upset(words: str) -> bool:
    """Whether the `plain` text is anger and no question: there is nothing to look up, only somebody to calm."""
    match = lexicon.find("anger", words)
    if match is None:
        return False
    rest = f"{words[: match.start()]} {words[match.end() :]}"
    return not lexicon.asks(rest.replace("?", " ").replace("？", " ").strip())


def small_talk(words: str) -> tuple[list[str], str]:
    """The kinds of small talk that make up a `plain` text, in the order of the lexicon, and what is left to ask.

    What is left is all of it but the greeting before it; nothing, when there is only small talk.
    """
    found: dict[str, None] = {}
    position = asked = 0
    while position < len(words):
        if gap := BETWEEN.match(words, position):
            position = gap.end()
            continue
        kind, end = _longest(words, position)
        if end == position:
            break
        if kind == "greeting" and asked == _after_gap(words, asked, position):
            asked = end
        if kind is not None:
            found[kind] = None
        position = end
    ranks = {kind: rank for entry in lexicon.lexicons() for rank, kind in enumerate(entry.small_talk)}
    rest = words[asked:].lstrip(" \n.,!:;~，。！：；") if position < len(words) else ""
    return sorted(found, key=lambda kind: ranks[kind]), rest if found or rest else words


def _after_gap(words: str, start: int, end: int) -> int:
    """`start`, if there is nothing but punctuation between the two places; else -1."""
    return start if not words[start:end] or BETWEEN.fullmatch(words, start, end) else -1


def _longest(words: str, position: int) -> tuple[str | None, int]:
    """The longest small talk or filler at a position: (its kind, None for a filler; where it ends)."""
    best: tuple[str | None, int] = (None, position)
    for entry in lexicon.lexicons():
        for kind, pattern in entry.small_talk.items():
            if (match := pattern.match(words, position)) and match.end() > best[1]:
                best = (kind, match.end())
        if (match := entry.words["fillers"].match(words, position)) and match.end() > best[1]:
            best = (None, match.end())
    return best


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
    """A payload that no command stands for is what its button says, as if the customer had typed it."""
    return WantPerson("asked") if button.payload == HANDOVER else Ask(button.title)
