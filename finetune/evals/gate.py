"""Whether a trained model is better than the one that is served: the same rows through both, and what each row gains.

The mean gain has the paired bootstrap's 95 % interval (Efron 1979; Koehn 2004, W04-3250); better is what gains beyond
it, so that chance promotes one worthless candidate in forty.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.settings import Settings
from finetune import data
from finetune.evals import kinds, measures, reader, retrieval
from finetune.evals.results import Bar, digest
from finetune.evals.rows import some

Scores = tuple[str, list[float]]


def _readers(args: argparse.Namespace, folder: Path | None, bar: Bar) -> Scores:
    return reader.overlaps(args.settings, folder, some(data.read(args.data), args.limit), bar)


def _encoders(args: argparse.Namespace, folder: Path | None, bar: Bar) -> Scores:
    from bot.engines.weights import Weights
    from retrieval.encoder import merged

    settings: Settings = args.settings
    if args.docs is None:
        raise ConfigError("an encoder is compared on documents and queries: give --docs and --data (the queries)")
    words = ["retrieval", "--docs", str(args.docs), "--queries", str(args.data)]
    words += ["--limit", str(args.limit)] if args.limit else []
    if folder is not None:
        words += ["--encoder", str(merged(Weights(settings).path("encoder"), folder, settings.models))]
    return retrieval.reciprocal_ranks(kinds.asked(words, settings), bar)


GATES: dict[str, tuple[str, Callable[[argparse.Namespace, Path | None, Bar], Scores]]] = {
    "reader": ("f1", _readers),
    "encoder": ("mrr@10", _encoders),
}
"""Kind -> (metric, a figure from 0 to 1 for each row)."""


def compare(kind: str, args: argparse.Namespace, candidate: Path, served: Path | None, bar: Bar) -> dict[str, Any]:
    """The figures of both and what the candidate gains; `better` when the whole interval is above 0.

    `args` has `data`, `docs`, `limit` and `settings`; `served` None is what the bot's manifest names. ConfigError for a
    kind that no evaluation tells apart, or for data that it cannot use.
    """
    if kind not in GATES:
        raise ConfigError(
            f"no evaluation here compares two models of the kind {kind}. Compare them with 'frontdesk eval', and "
            "promote with --force --reason"
        )
    metric, scores = GATES[kind]
    names, rows = zip(*(scores(args, folder, bar) for folder in (candidate, served)), strict=True)
    gain = measures.difference([ours - theirs for ours, theirs in zip(*rows, strict=True)])
    figures = [measures.average(values) for values in rows]
    return {
        "metric": metric,
        "n": gain.n,
        "candidate": {"name": names[0], metric: figures[0].shown, "interval": figures[0].interval},
        "served": {"name": names[1], metric: figures[1].shown, "interval": figures[1].interval},
        "gain": gain.shown,
        "gain_interval": gain.interval,
        "better": gain.low > 0,
        "data": {"file": args.data.name, "sha256": digest(args.data)},
    }
