"""Questions made from plain texts, to learn reading on before (or without) questions that people asked.

A name, number, date or noun phrase is taken out of a sentence, a question word that fits it is put in its place or in
front, and words are dropped, moved and replaced by similar ones, so that the question does not repeat the sentence
(after Lewis, Denoyer and Riedel, Unsupervised Question Answering by Cloze Translation, 2019). The answer is looked for
in the sentences around, where the phrase stood - or, where it stands again in another sentence on the same matter,
there (after Ram et al., Few-Shot Question Answering by Pretraining Span Selection, 2021). A share has no answer:
another name or number or word than the text's is asked about, or the sentence is not there.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from finetune.data import SENTENCE, Example, Gold
from finetune.grammar import AUXILIARIES, DETERMINERS, FUNCTION, PREPOSITIONS, TOKEN, Grammar, Phrase
from finetune.similar import similar_words
from finetune.texts import Text, cut

Similar = Mapping[str, Sequence[str]]
PLACED = frozenset({"in", "at", "from", "near", "to"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence's tokens with their character offsets in its passage, and what can be asked for in it."""

    start: int
    end: int
    tokens: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...]
    phrases: tuple[Phrase, ...]

    def place(self, phrase: Phrase) -> tuple[int, int]:
        return self.offsets[phrase.first][0], self.offsets[phrase.last - 1][1]

    @property
    def content(self) -> set[str]:
        return {token.lower() for token in self.tokens if len(token) > 2 and token.lower() not in FUNCTION}


WH = {
    "date": ("when", "when", "what year", "in what year", "what date"),
    "money": ("how much", "what amount"),
    "percent": ("what percentage", "how much"),
    "number": ("how many", "how many", "what number", "how much"),
    "name": ("what", "who", "who", "which", "what"),
    "noun": ("what", "what", "what", "what type of", "what kind of", "which", "what did"),
}


def made_sets(
    own: Sequence[Example], others: Sequence[Text], base: Path, sizes: Sequence[int], *, seed: int, words: int
) -> list[list[Example]]:
    """A set of questions for each of `sizes`, on the passages of `own` questions (half of them) and on other texts."""
    passages = dict.fromkeys((example.article, example.context) for example in own)
    first = [piece for article, context in passages for piece in cut(Text(article, context))]
    texts = [*first, *others]
    similar = similar_words(base, {word.lower() for text in texts for word in TOKEN.findall(text.text)})
    maker = Maker(texts, similar, len(first))
    return [maker.make(size, seed * 1000 + number, words=words) for number, size in enumerate(sizes)]


class Maker:
    """Makes questions from texts; the same seed gives the same questions. `similar` are words to say instead.

    `first` texts, such as those that people's questions are about, are asked about as often as all others together.
    """

    def __init__(self, texts: Sequence[Text], similar: Similar | None = None, first: int = 0) -> None:
        self.texts = list(texts)
        self.grammar = Grammar(self.texts)
        self.similar = similar or {}
        self.sentences = [self._sentences(text.text) for text in self.texts]
        self.neighbours: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self.texts):
            self.neighbours[text.document].append(number)
        self.usable = [
            (number, at)
            for number, sentences in enumerate(self.sentences)
            for at, sentence in enumerate(sentences)
            if sentence.phrases and 6 <= len(sentence.tokens) <= 60
        ]
        own = [place for place in self.usable if place[0] < first]
        self.favoured = own if own and len(own) < len(self.usable) / 2 else self.usable
        self.pool: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for sentences in self.sentences:
            for sentence in sentences:
                for phrase in sentence.phrases:
                    self.pool[phrase.kind].append(sentence.tokens[phrase.first : phrase.last])

    def _sentences(self, text: str) -> list[Sentence]:
        cuts = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
        made = []
        for start, end in pairwise(cuts):
            matches = list(TOKEN.finditer(text, start, end))
            tokens = tuple(match.group() for match in matches)
            offsets = tuple(match.span() for match in matches)
            made.append(Sentence(start, end, tokens, offsets, self.grammar.phrases(tokens)))
        return made

    def make(self, count: int, seed: int, *, words: int = 70, unanswerable: float = 0.3) -> list[Example]:
        """`count` examples; passages of at most about `words` words. [] when no text has a usable sentence."""
        chance = random.Random(seed)  # noqa: S311
        made: list[Example] = []
        for number in range(4 * count if self.usable else 0):
            example = self._make(chance, f"cloze-{seed}-{number}", words, unanswerable)
            if example is not None:
                made.append(example)
            if len(made) == count:
                break
        return made

    def _make(self, chance: random.Random, id: str, words: int, unanswerable: float) -> Example | None:
        number, at = chance.choice(self.favoured if chance.random() < 0.5 else self.usable)
        sentence = self.sentences[number][at]
        phrase = self._pick(chance, sentence)
        start, end = self._extent(chance, sentence, phrase)
        answer = self.texts[number].text[start:end]
        left, right = self._clause(chance, sentence, phrase)
        refused = chance.random() < unanswerable
        swapped = False
        if refused and chance.random() < 0.7:
            swapped = self._swap(chance, left, right, number)
        question = self._ask(chance, sentence, phrase, left, right)
        if sum(word.lower() not in FUNCTION for word in question.split()) < 4:
            return None
        document, text = self.texts[number].document, self.texts[number].text
        if refused and not swapped:
            context = self._without(chance, number, at, words)
            return Example(id, document, question, context, ()) if context else None
        if not refused and chance.random() < 0.5 and (again := self._again(number, at, answer)):
            first, last = self._around(chance, number, again[0], words, avoid=at)
            if last > first:
                begin = text.index(answer, again[1])
                gold = Gold(answer, begin - first)
                return Example(id, document, question, text[first:last], (gold,))
        first, last = self._around(chance, number, at, words)
        gold = Gold(answer, start - first)
        golds, plausible = ((), (gold,)) if refused else ((gold,), ())
        return Example(id, document, question, text[first:last], golds, plausible)

    def _pick(self, chance: random.Random, sentence: Sentence) -> Phrase:
        weights = [0.6 if phrase.kind == "noun" else 1.0 for phrase in sentence.phrases]
        return chance.choices(sentence.phrases, weights)[0]

    def _extent(self, chance: random.Random, sentence: Sentence, phrase: Phrase) -> tuple[int, int]:
        """Where the answer begins and ends: sometimes with its article, sometimes with the phrase that an "of" adds."""
        first, last = phrase.first, phrase.last
        if first and sentence.tokens[first - 1].lower() in DETERMINERS and chance.random() < 0.3:
            first -= 1
        following = [p for p in sentence.phrases if 0 < p.first - last <= 2]
        if following and sentence.tokens[last].lower() in ("of", "and") and chance.random() < 0.3:
            last = following[0].last
        return sentence.offsets[first][0], sentence.offsets[last - 1][1]

    def _clause(self, chance: random.Random, sentence: Sentence, phrase: Phrase) -> tuple[list[str], list[str]]:
        """The words before and behind what is asked for, up to 4 to 14 in all, and not far over a clause's end."""
        room = chance.randint(6, 15)
        left, right = phrase.first, phrase.last
        while right - left - (phrase.last - phrase.first) < room:
            before = sentence.tokens[left - 1] if left else ";"
            behind = sentence.tokens[right] if right < len(sentence.tokens) else "."
            can_left = not (before in ";:()" or (before == "," and chance.random() < 0.4))
            can_right = not (behind in ";:()." or (behind == "," and chance.random() < 0.4))
            if not (can_left or can_right):
                break
            if can_left and (not can_right or chance.random() < 0.5):
                left -= 1
            else:
                right += 1
        return list(sentence.tokens[left : phrase.first]), list(sentence.tokens[phrase.last : right])

    def _swap(self, chance: random.Random, left: list[str], right: list[str], number: int) -> bool:
        """Put another name, number or word of the same kind in the place of one of them. False when there is none."""
        for side in chance.sample([left, right], 2):
            phrases = [p for p in self.grammar.phrases(["the", *side]) if p.last - p.first <= 4]
            verbs = [at for at, word in enumerate(side) if self.grammar.is_verb(word) and word.lower() not in FUNCTION]
            if verbs and chance.random() < 0.25:
                at = chance.choice(verbs)
                side[at] = chance.choice(sorted(self.grammar.verbs))
                return True
            if not phrases:
                continue
            phrase = max(chance.sample(phrases, min(2, len(phrases))), key=lambda each: each.kind != "noun")
            known = {word.lower() for word in self.texts[number].text.split()}
            for _ in range(20):
                other = chance.choice(self.pool[phrase.kind] or [("other",)])
                if len(other) <= 4 and not {word.lower() for word in other} & known:
                    side[phrase.first - 1 : phrase.last - 1] = other
                    return True
        return False

    def _ask(self, chance: random.Random, sentence: Sentence, phrase: Phrase, left: list[str], right: list[str]) -> str:
        wh = chance.choice(WH[phrase.kind])
        before = left[-1].lower() if left else ""
        if phrase.kind == "name" and before in PLACED and chance.random() < 0.6:
            wh = chance.choice(("where", "what place", "what country", "what city"))
        elif phrase.kind == "noun" and phrase.last - phrase.first > 1 and chance.random() < 0.3:
            wh = f"what {sentence.tokens[phrase.last - 1]}"
        left, right = self._noisy(chance, left), self._noisy(chance, right)
        way = chance.random()
        if way < 0.2:
            words = [*left, wh, *right]
        elif not left:
            words = [wh, *right]
        else:
            if left and left[-1].lower() in PREPOSITIONS | DETERMINERS and chance.random() < 0.7:
                left = left[:-1]
            helper = next((word for word in left if word.lower() in AUXILIARIES), "")
            if helper:
                left.remove(helper)
            elif wh[-3:] not in (" of", "did") and chance.random() < 0.5:
                helper = chance.choice(("did", "did", "is", "was", "does", "are"))
            rest = [*right, *left] if way < 0.4 else [*left, *right]
            words = [wh, helper, *rest]
        if chance.random() < 0.1 and len(words) > 6:
            at = chance.randrange(1, len(words) - 1)
            words = [words[0], *words[at:], *words[1:at]]
        text = " ".join(word for word in words if word and (word[0].isalnum() or word[0] in "$€£'"))
        return text + ("?" if chance.random() < 0.9 else "")

    def _noisy(self, chance: random.Random, words: list[str]) -> list[str]:
        """Some words dropped, some replaced by similar ones, neighbours sometimes changing places."""
        made = []
        for word in words:
            low = word.lower()
            if chance.random() < (0.2 if low in FUNCTION else 0.08):
                continue
            others = self.similar.get(low, ())
            made.append(chance.choice(others) if others and chance.random() < 0.35 else word)
        for at in range(len(made) - 1):
            if chance.random() < 0.06:
                made[at], made[at + 1] = made[at + 1], made[at]
        return made

    def _again(self, number: int, at: int, answer: str) -> tuple[int, int] | None:
        """(sentence, where it begins) of the same passage that says the phrase again and shares two other words."""
        here = self.sentences[number][at]
        text = self.texts[number].text
        for other, sentence in enumerate(self.sentences[number]):
            if other == at or not re.search(rf"\b{re.escape(answer)}\b", text[sentence.start : sentence.end]):
                continue
            if len((here.content & sentence.content) - set(answer.lower().split())) >= 2:
                return other, sentence.start
        return None

    def _around(
        self, chance: random.Random, number: int, at: int, words: int, *, avoid: int | None = None
    ) -> tuple[int, int]:
        """Offsets of sentence `at` with others around it."""
        sentences = self.sentences[number]
        first = last = at
        room = chance.randint(words // 2, words)
        while True:
            ways = [w for w in ((first - 1, last), (first, last + 1)) if w[0] >= 0 and w[1] < len(sentences)]
            ways = [w for w in ways if avoid not in w]
            if not ways:
                break
            first, last = chance.choice(ways)
            if sum(len(each.tokens) for each in sentences[first : last + 1]) > room:
                break
        return sentences[first].start, sentences[last].end

    def _without(self, chance: random.Random, number: int, at: int, words: int) -> str:
        """Other sentences: of the same passage, or of another one of the document. "" when there are none."""
        others = [other for other in self.neighbours[self.texts[number].document] if other != number]
        if others and chance.random() < 0.6:
            number = chance.choice(others)
            first, last = self._around(chance, number, chance.randrange(len(self.sentences[number])), words)
            return self.texts[number].text[first:last]
        places = [place for place in range(len(self.sentences[number])) if place != at]
        if not places:
            return ""
        first, last = self._around(chance, number, chance.choice(places), words, avoid=at)
        return self.texts[number].text[first:last]
