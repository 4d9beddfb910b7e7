"""The checker "grounded": the exact rules of "evidence", and beside them a model for what is said in other words.

The rules block outright what they know to be wrong: a question, a sentence that was cut short, a number, amount, date,
URL, address or code that the evidence does not have. A sentence that stands in it as it is passes. Of all others the
model judges whether the evidence says it. Chinese is judged by the rules alone: the model reads English.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.engines import check, check_signs, claims
from bot.engines.base import Encoder, Verdict
from bot.engines.check import EvidenceChecker
from bot.engines.check_model import CheckModel, asserted
from bot.engines.check_signs import Signs
from bot.engines.weights import Weights
from bot.settings import Settings

TRIED = 2
"""Of several pieces of evidence the model reads so many beside a sentence: those that share most words with it."""
DOUBTED = "the evidence does not seem to say it"


class GroundedChecker:
    """Rules first, then the model for the sentences that are left, all in one batch."""

    def __init__(self, settings: Settings, weights: Weights, *, encoder: Encoder) -> None:
        self.name = "grounded"
        self._encoder = encoder
        self._rules = EvidenceChecker(settings, weights, encoder=encoder)
        self._model = CheckModel(settings, weights)

    async def start(self) -> None:
        """Load the model; WeightsError when a part of it is not there. The encoder is started by whoever owns it."""
        await self._model.start()
        self.name = f"grounded-{self._model.recipe.version}"

    async def close(self) -> None:
        """Stop the worker and let go of the model."""
        await self._model.close()

    def ready(self) -> bool:
        return self._model.ready() and self._rules.ready()

    async def check(self, question: str, sentences: Sequence[str], evidence: Sequence[str]) -> list[Verdict]:
        """One verdict a sentence, as `EvidenceChecker.check`; `support` is the model's probability where it judged.

        An opener ("Yes.") has the verdict of the sentence that it opens. An empty question is one that all speak to.
        """
        said = asserted(sentences)
        chinese = [at for at, sentence in enumerate(said) if claims.is_chinese(sentence)]
        judged = await self._rules.check(question, [said[at] for at in chinese], evidence)
        verdicts = dict(zip(chinese, judged, strict=True))
        read = {at: _read(sentence, evidence) for at, sentence in enumerate(said) if at not in verdicts}
        open_ = {at: [each for each in found if not each[1].blocked] for at, found in read.items()}
        pairs = [(said[at], _plain(text)) for at, found in open_.items() for text, signs in found if not signs.verbatim]
        odds = iter(await self._model.judge(pairs))
        for at, found in open_.items():
            scored = [np.inf if signs.verbatim else next(odds) for _, signs in found]
            verdicts[at] = self._verdict(max(scored, default=-np.inf), [signs for _, signs in read[at]])
        for at in await self._beside(question, said, [at for at in open_ if verdicts[at].supported]):
            verdicts[at] = Verdict(False, verdicts[at].support, check.OFF)
        return [verdicts[at] for at in range(len(said))]

    def _verdict(self, score: float, signs: Sequence[Signs]) -> Verdict:
        if score == -np.inf:
            return Verdict(False, 0.0, next((each.blocked for each in signs), "") or check.UNKNOWN)
        recipe = self._model.recipe
        support = float(1 / (1 + np.exp(-np.clip((score - recipe.bias) / recipe.temperature, -60.0, 60.0))))
        return Verdict(True, support) if score >= recipe.threshold else Verdict(False, support, DOUBTED)

    async def _beside(self, question: str, said: Sequence[str], passed: Sequence[int]) -> list[int]:
        """Those that have nothing to do with the question."""
        doubtful = [at for at in passed if not check.speaks_to(question, said[at], -1.0)]
        if not doubtful:
            return []
        vectors = await self._encoder.encode([question, *(said[at] for at in doubtful)])
        return [
            at
            for at, vector in zip(doubtful, vectors[1:], strict=True)
            if not check.speaks_to(question, said[at], float(vector @ vectors[0]))
        ]


def _read(sentence: str, evidence: Sequence[str]) -> list[tuple[str, Signs]]:
    """The likeliest pieces of evidence, the best first, with their signs."""
    words = claims.read(sentence).words
    found = [(text, check_signs.read(sentence, text)) for text in evidence]
    found.sort(key=lambda each: (bool(each[1].blocked), -len(words & claims.read(each[0]).words)))
    return found[:TRIED]


def _plain(text: str) -> str:
    return " ".join(text.removeprefix("# ").split())
