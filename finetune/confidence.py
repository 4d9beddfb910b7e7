"""Fits and reports how sure an answer is: the coefficients of `bot.answering.confidence`.

    python -m finetune.confidence english --faq FILE --squad FILE --unseen ARTICLE --answers FILE --docs DIR
    python -m finetune.confidence chinese --squad FILE

English is fitted on two kinds of questions, asked of an index of all their pages as the bot would ask: rephrasings of
frequently asked questions (a page a thread, its answers the text) and SQuAD questions. Each is asked twice, the second
time without the page that answers, where no candidate is right; SQuAD's own unanswerable questions are asked too.
`--answers` are questions about a folder of documents as `frontdesk eval answers` takes them, follow-ups included. Half
of the threads and paragraphs fits, the other half is only reported. Of SQuAD only the articles that the reader was not
trained on (`--unseen`) are asked about, since it is too sure on those that it was. Chinese takes CMRC likewise.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answering import confidence, units
from bot.answering.evidence import FIGURES, Candidate
from bot.answering.find import LOOKED, Finder
from bot.answering.follow import query
from bot.engines import tables
from bot.engines.weights import Weights
from bot.index import Blocking
from bot.lexicon import trade
from bot.settings import Settings, load
from bot.timing import Stopwatch
from finetune.evals.words import says
from retrieval import hybrid, snapshot
from retrieval.load import is_readable, load_file
from retrieval.types import Audience, Block, Document, Filters

BY_HAND = ("named",)
"""What no question here has, so that nothing can be fitted."""
BOUNDS: dict[str, tuple[float | None, float | None]] = {
    **dict.fromkeys(("read", "best_read", "found"), (0.0, None)),
    **{"near": (1.0, None), "close": (1.0, None), "covered": (1.0, None), "ahead": (0.5, None), "behind": (None, 0.0)},
}
"""What speaks for an answer must not speak against it, whatever labels of pages say of the sentences on one."""
THRESHOLDS = (0.2, 0.3, 0.35, 0.4, 0.5, 0.6)
HITS = 24


@dataclass(frozen=True, slots=True)
class Question:
    """`pages` are the documents that answer (none: no document does).

    `needs` are lists of alternatives: an answer has one of each (none: it is anywhere on the page). `fits`: it is
    fitted on, else only reported.
    """

    text: str
    pages: frozenset[str]
    needs: tuple[tuple[str, ...], ...]
    fits: bool
    source: str
    history: tuple[tuple[str, str], ...] = ()


def main() -> int:
    """Print the coefficients and what they do on the half that did not fit them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=["english", "chinese"])
    parser.add_argument("--home", type=Path, help="the home, for settings")
    parser.add_argument("--faq", type=Path, help="StackFAQ's JSON")
    parser.add_argument("--squad", type=Path, required=True, help="questions in SQuAD's format")
    parser.add_argument("--answers", type=Path, help="questions about the documents in --docs")
    parser.add_argument("--docs", type=Path, help="a folder of documents")
    parser.add_argument(
        "--internal-title", default=r"(?i)\binternal\b", help="documents with such a title are left out"
    )
    parser.add_argument("--unseen", action="append", help="ask about this article only (may be given several times)")
    parser.add_argument("--most", type=int, default=500, help="questions of each kind at most")
    args = parser.parse_args()
    language = "en" if args.language == "english" else "zh"
    pages, questions = squad(args.squad, language, args.unseen)
    if args.faq:
        more_pages, more = faq(args.faq)
        pages, questions = pages + more_pages, sampled(questions, args.most) + sampled(more, args.most)
    if args.answers:
        more_pages, more = answers(args.answers, args.docs, args.internal_title)
        pages, questions = pages + more_pages, questions + more
    settings = load(home=args.home) if args.home else load()
    questions = questions if args.answers else sampled(questions, 2 * args.most)
    rows = asyncio.run(gather(settings, language, pages, questions))
    report(rows, list(confidence.ENGLISH if language == "en" else confidence.CHINESE))
    return 0


def squad(file: Path, language: str, unseen: Sequence[str] | None = None) -> tuple[list[Document], list[Question]]:
    """A page a paragraph. CMRC has no articles: each paragraph stands for one."""
    pages, questions = [], []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        for number, paragraph in enumerate(article["paragraphs"]):
            title = str(article.get("title") or paragraph.get("id")).replace("_", " ")
            name = f"{title}-{number}"
            pages.append(page(name, title if language == "en" else "", paragraph["context"], language))
            for asked in paragraph["qas"] if not unseen or article.get("title") in unseen else []:
                answers = tuple(answer["text"] for answer in asked["answers"])
                home = frozenset[str]() if asked.get("is_impossible") else frozenset({name})
                questions.append(Question(asked["question"], home, (answers,), half(name), "squad"))
    return pages, questions


def faq(file: Path) -> tuple[list[Document], list[Question]]:
    """A page a thread, titled by its question."""
    pages, questions = [], []
    for number, thread in enumerate(json.loads(file.read_text(encoding="utf-8"))["root"]["qapair"]):
        name = f"faq-{number}"
        pages.append(page(name, thread["question"], "\n".join(thread["answer"]), "en"))
        questions += [
            Question(text, frozenset({name}), (), half(name), "faq")
            for text in thread["rephr"]
            if text and text.strip(" *")
        ]
    return pages, questions


def answers(file: Path, docs: Path, internal_title: str) -> tuple[list[Document], list[Question]]:
    """The public documents of a folder, and what was written to ask of them; attacks are the guard's."""
    title = re.compile(internal_title)
    files = [path for path in sorted(docs.rglob("*")) if path.is_file() and is_readable(path)]
    loaded = [load_file(path, docs, collection="fit", audience=None, internal_title=title) for path in files]
    pages = [document for document in loaded if document.audience is Audience.PUBLIC]
    questions = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] == "attack":
            continue
        history = tuple((said["role"], said["text"]) for said in row.get("history") or ())
        home = frozenset(row["expected_docs"] if row["must_contain"] else ())
        needs = tuple(map(tuple, row["must_contain"]))
        questions.append(Question(row["question"], home, needs, half(row["id"]), "answers", history))
    return pages, questions


def page(name: str, title: str, text: str, language: str) -> Document:
    """A document of paragraphs."""
    blocks, at = [], 0
    for line in text.split("\n"):
        if line.strip():
            blocks.append(Block("paragraph", at, at + len(line)))
        at += len(line) + 1
    version = hashlib.sha256(f"{name}{text}".encode()).hexdigest()[:32]
    return Document("fit", name, version, title or name, text, tuple(blocks), language)


def half(name: str) -> bool:
    """Which half a thread or article is in."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


def sampled(questions: Sequence[Question], most: int) -> list[Question]:
    """At most so many, the same every time."""
    return random.Random(1).sample(list(questions), min(most, len(questions)))  # noqa: S311


async def gather(
    settings: Settings, language: str, pages: Iterable[Document], questions: Sequence[Question]
) -> list[tuple[Question, bool, list[Candidate]]]:
    """(question, whether its page was there, candidates) for each question, with and without its page."""
    weights = Weights(settings)
    encoder = tables.create("encoder", settings.engines.encoder, settings=settings, weights=weights)
    reader = tables.create("reader", settings.engines.reader, settings=settings, weights=weights)
    await encoder.start()
    await reader.start()
    finder = Finder(encoder, reader)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        blocking = Blocking(encoder, asyncio.get_running_loop())
        make = partial(snapshot.build, concepts=trade.concepts(), cut=units.compared)
        index = await asyncio.to_thread(make, Path(folder), list(pages), blocking)
        for number, asked in enumerate(questions):
            wanted, watch = query(asked.text, asked.history), Stopwatch()
            vector = await finder.vector(wanted, language)
            hits = hybrid.search(index, wanted.text, vector, HITS, Filters(), context=wanted.context)
            for there in (True, False) if asked.pages else (False,):
                kept = [hit for hit in hits if there or hit.passage.document not in asked.pages][:LOOKED]
                found = await finder.weigh(index, wanted, vector, kept, language=language, watch=watch)
                rows.append((asked, there, list(found.candidates)))
            if number % 100 == 0:
                sys.stderr.write(f"{number} of {len(questions)}\n")
    await encoder.close()
    await reader.close()
    return rows


def right(asked: Question, there: bool, candidate: Candidate) -> bool:
    """Whether a candidate answers."""
    unit = candidate.unit
    if not there or unit.document.name not in asked.pages:
        return False
    return all(
        any(one in unit.quote or says(unit.evidence, one) for one in alternatives) for alternatives in asked.needs
    )


def report(rows: Sequence[tuple[Question, bool, list[Candidate]]], names: Sequence[str]) -> None:
    """Fit the ranking on all candidates of the fitting half, then the level on the best of each; print both."""
    from sklearn.linear_model import LogisticRegression

    used = [name for name in names if name not in ("bias", *BY_HAND)]
    flat = [(row, each) for row in rows if row[0].fits for each in row[2]]
    figures = np.array([[getattr(each, name) for name in used] for _, each in flat])
    labels = np.array([right(asked, there, each) for (asked, there, _), each in flat])
    weights, bias = bounded(figures, labels, used)
    tops = [top(row, used, weights, bias) for row in rows if row[0].fits and row[2]]
    level = LogisticRegression(C=100, max_iter=5000).fit(
        np.array([[score] for score, _, _ in tops]), np.array([good for _, good, _ in tops])
    )
    slope = float(level.coef_[0][0])
    weights, bias = weights * slope, bias * slope + float(level.intercept_[0])
    coefficients: dict[str, Any] = {"bias": round(bias, 3)}
    coefficients |= {name: round(float(weight), 3) for name, weight in zip(used, weights, strict=True)}
    sys.stdout.write(json.dumps(coefficients) + "\n")
    for source in sorted({row[0].source for row in rows}):
        for fits in (True, False):
            chosen = [row for row in rows if row[0].fits is fits and row[0].source == source and row[2]]
            tell(f"{source}, {'fitted' if fits else 'reported'}", chosen, used, weights, bias)


def bounded(
    figures: NDArray[np.float64], labels: NDArray[np.bool_], names: Sequence[str]
) -> tuple[NDArray[np.float64], float]:
    """A logistic regression (L2, as scikit-learn's default) whose weights keep within `BOUNDS`."""
    from scipy.optimize import minimize

    signs = np.where(labels, 1.0, -1.0)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (figures @ point[1:] + point[0])
        pull = -signs / (1 + np.exp(np.clip(margins, -500, 500)))
        total = float(np.logaddexp(0, -margins).sum() + 0.5 * point[1:] @ point[1:])
        return total, np.concatenate([[pull.sum()], figures.T @ pull + point[1:]])

    limits = [(None, None), *(BOUNDS.get(name, (None, None)) for name in names)]
    start = np.array([0.0, *(low or 0.0 for low, _ in limits[1:])])
    found = minimize(loss, start, jac=True, bounds=limits, method="L-BFGS-B").x
    return found[1:], float(found[0])


def top(
    row: tuple[Question, bool, list[Candidate]], names: Sequence[str], weights: NDArray[np.float64], bias: float
) -> tuple[float, bool, bool]:
    """The best candidate's score, whether it is right, and whether any could be."""
    asked, there, candidates = row
    scores = [float(weights @ [getattr(each, name) for name in names]) + bias for each in candidates]
    best = int(np.argmax(scores))
    return scores[best], right(asked, there, candidates[best]), there


def tell(title: str, rows: Sequence[Any], names: Sequence[str], weights: NDArray[np.float64], bias: float) -> None:
    """Shares, 0 to 100: of the answerable, answered and right of those; of the others, answered."""
    tops = [top(row, names, weights, bias) for row in rows]
    with_page = [(1 / (1 + np.exp(-score)), good) for score, good, there in tops if there]
    without = [1 / (1 + np.exp(-score)) for score, _, there in tops if not there]
    first = 100 * np.mean([good for _, good in with_page])
    sys.stdout.write(f"{title}: {len(with_page)} with their page (best is right {first:.1f}), {len(without)} without\n")
    for threshold in THRESHOLDS:
        answered = [good for sure, good in with_page if sure >= threshold]
        wrongly = 100 * np.mean([sure >= threshold for sure in without])
        share = 100 * len(answered) / len(with_page)
        correct = 100 * np.mean(answered) if answered else float("nan")
        sys.stdout.write(f"  at {threshold}: answered {share:.1f}, right {correct:.1f}; without {wrongly:.1f}\n")


if __name__ == "__main__":
    assert set(confidence.ENGLISH) - {"bias"} <= set(FIGURES)  # noqa: S101
    sys.exit(main())
