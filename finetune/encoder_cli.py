"""`frontdesk train encoder`: tune the sentence encoder on queries and the passages that answer them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels import terminal
from finetune import encoder_artefact as artefact
from finetune import encoder_data as data
from finetune import options
from finetune.data import DataError
from finetune.encoder import Recipe, Training
from finetune.encoder_data import Pair
from finetune.encoder_report import Scores, fused, scores, words
from finetune.hardware import hardware
from finetune.training import forget, write_curve, write_metrics
from retrieval.encoder import TUNED

MOST_LOST = 1.0
"""Points of recall@1 on what the encoder knew before that a run may lose."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train encoder`."""
    default = Recipe()
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help='JSON lines: {"query", "passage"}, or grounded turns {"question", "passage", "reply"}',
    )
    add("--shares", type=float, nargs=3, default=data.SHARES, metavar="S", help="passages to train, choose, report on")
    add("--keep", type=Path, nargs="+", default=[], metavar="FILE", help="texts of other kinds that are to stay put")
    add(
        "--old", type=Path, metavar="FILE", help="pairs that it knows already: a run that loses more than a point fails"
    )
    add("--allow-forgetting", action="store_true", help="write it even so")
    add(
        "--share", type=float, default=1.0, metavar="S", help="how far to go from the untuned weights to the tuned ones"
    )
    options.common(parser, name="encoder", base="the encoder to tune")
    add("--licence", default="not said", help="what the card says of the licence")
    group = parser.add_argument_group("recipe")
    options.recipe(
        group,
        default,
        epochs="passes over all pairs",
        rate="learning rate",
        batch="pairs; the others of a batch are the wrong answers",
    )
    add = group.add_argument
    add("--frozen", type=int, default=default.frozen, metavar="N", help="layers that stay, counted from below")
    add("--drop", type=float, default=default.drop, metavar="S", help="share of the tokens left out at random")


def run(args: argparse.Namespace) -> int:
    """Tune, evaluate what was written beside the untuned encoder, and print both."""
    recipe = _recipe(args)
    parts = data.split(data.read(args.data), args.seed, tuple(args.shares))
    if not parts.choose:
        raise DataError("nothing is held out to choose on: give --shares with a second share above 0")
    old = data.read(args.old) if args.old else []
    keep = data.read_kept(args.keep)
    out, base, device = options.out_of(args, "encoder"), options.base_of(args), options.begin(args)
    terminal.say(
        f"on {device}: {len(parts.train)} pairs to learn from, {len(parts.choose)} to choose on, {len(parts.report)} "
        f"to report on, {len(parts.passages)} passages; {len(keep)} texts to keep"
    )
    training = Training(base, parts, keep, recipe=recipe, out=out, device=device)
    seconds = options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    metrics = finish(training, base, args.share, old, cache=out / "merged", seconds=seconds)
    lost = metrics["old"]["before"]["recall_1"] - metrics["old"]["after"]["recall_1"] if old else 0.0
    if lost > MOST_LOST and not args.allow_forgetting:
        (out / TUNED).unlink()
        raise DataError(
            f"it forgot too much: recall@1 on {args.old} fell by {lost:.1f} points. Give more texts with --keep, "
            "a lower --share, or --allow-forgetting"
        )
    write_metrics(out, metrics)
    losses, marks = [each.loss for each in training.history], [each.chosen_on.recall_10 for each in training.history]
    curve = write_curve(out, losses, marks, label="recall@10", axis="recall@10, encoder alone (0 to 100)")
    artefact.write_card(out, recipe, metrics, data=args.source, licence=args.licence, curve=curve)
    forget(out)
    for part, found in metrics["scores"].items():
        for how, after in found["after"].items():
            before = found["before"][how]
            terminal.say(f"{part}, {how}: {Scores(**after)}; untuned {Scores(**before)}")
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def finish(
    training: Training, base: Path, share: float, old: Sequence[Pair], *, cache: Path, seconds: float
) -> dict[str, Any]:
    """Write the weights, and evaluate them as they were written beside the untuned encoder."""
    import shutil

    from retrieval.encoder import SentenceEncoder, merged

    recipe, parts = training.recipe, training.parts
    version = artefact.write_weights(training.trained(), base, share, training.out)
    try:
        before, after = SentenceEncoder(base), SentenceEncoder(merged(base, training.out, cache))
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    held = {"choose": parts.choose, "report": parts.report}
    found = {
        name: {part: _found(encoder, pairs, parts.passages) for part, pairs in held.items() if pairs}
        for name, encoder in (("before", before), ("after", after))
    }
    known = list(dict.fromkeys(pair.passage for pair in old))
    return {
        "version": version,
        "share": share,
        "scores": {part: {name: found[name][part] for name in found} for part in found["after"]},
        "old": {
            name: _found(encoder, old, known)["encoder"] for name, encoder in (("before", before), ("after", after))
        }
        if old
        else None,
        "pairs": parts.counts(),
        "kept": len(training.keep),
        "epochs": [{**asdict(epoch), "chosen_on": epoch.chosen_on.as_dict()} for epoch in training.history],
        "recipe": asdict(recipe),
        "tuned_layers": training.layers - recipe.frozen,
        "seconds": round(seconds, 1),
        "hardware": hardware(training.device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def _found(encoder: Any, pairs: Sequence[Pair], passages: Sequence[str]) -> dict[str, dict[str, float]]:
    """Scores of the encoder alone and with BM25, among all `passages`."""
    from retrieval.encoder import encode_all

    numbers = {passage: at for at, passage in enumerate(passages)}
    wanted = [numbers[pair.passage] for pair in pairs]
    queries = [pair.query for pair in pairs]
    cosines = encode_all(encoder, queries) @ encode_all(encoder, passages).T
    both = fused(cosines, words(passages, queries))
    return {"encoder": scores(cosines, wanted).as_dict(), "fused": scores(both, wanted).as_dict()}


def _recipe(args: argparse.Namespace) -> Recipe:
    if min(args.epochs, args.batch - 1) < 1:
        raise DataError("--epochs is at least 1 and --batch at least 2")
    if not 0 < args.share <= 1 or not 0 <= args.drop < 1:
        raise DataError("--share is above 0 and at most 1, --drop from 0 to below 1")
    if min(args.shares) < 0 or abs(sum(args.shares) - 1) > 1e-6:
        raise DataError("--shares are three shares that make 1")
    return Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe) if hasattr(args, field.name)})
