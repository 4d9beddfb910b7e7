"""`frontdesk train reader`: fine-tune the reader on a SQuAD-format file, and write it with its card."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

from bot.settings import Settings
from channels import terminal
from finetune import cloze, data, forgetting, options
from finetune.data import DataError, Example
from finetune.finishing import Parts, finish
from finetune.methods import MERGED, METHODS, MODULES
from finetune.reader import SHORT_WORDS, Recipe, Training
from finetune.texts import Text, read_texts
from finetune.training import forget


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train reader`."""
    default = Recipe()
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help="a SQuAD-format file, or a folder with train.json, validation.json, dev.json",
    )
    add("--choose", type=Path, metavar="FILE", help="questions to choose on (default: validation.json, else a share)")
    add("--dev", type=Path, metavar="FILE", help="a file that only reports (default: dev.json in the folder)")
    add("--dev-share", type=float, default=0.1, metavar="S", help="share of --data held out, by article, to choose on")
    options.common(parser, name="reader", base="the BERT body")
    add(
        "--pretrain",
        type=Path,
        nargs="+",
        default=[],
        metavar="TEXTS",
        help="documents, JSON or JSON lines to make questions from, to learn on before those of --data",
    )
    add("--pretrain-source", default="not said", metavar="TEXT", help="what the card says of those texts")
    add("--start", type=Path, metavar="DIR", help="a trained reader to go on from (with --replay: the served one)")
    add("--replay", type=Path, metavar="FILE", help="old questions in SQuAD's format, some of them in every pass")
    add(
        "--replay-share",
        type=float,
        default=0.25,
        metavar="S",
        help="old questions in a pass, as a share of the new ones; a run that loses more than a point on others fails",
    )
    add("--allow-forgetting", action="store_true", help="write it even so")
    group = parser.add_argument_group("recipe")
    options.recipe(
        group,
        default,
        epochs="passes over whole passages",
        rate=f"learning rate (default: {', '.join(f'{each.rate:g} for {name}' for name, each in METHODS.items())})",
        batch="windows a step",
    )
    add = group.add_argument
    add("--method", choices=list(METHODS), default=default.method, help="what learns: the whole model or an addition")
    add("--rank", type=int, default=default.rank, help="LoRA's rank, AdaLoRA's on average")
    add("--modules", choices=sorted(MODULES), default=default.modules, help="which layers LoRA and AdaLoRA adapt")
    add("--tokens", type=int, default=default.tokens, metavar="N", help="virtual tokens of a prefix or prompt")
    add("--width", type=int, default=default.width, metavar="N", help="width of the bottleneck adapters")
    add("--cloze", type=int, default=4, metavar="N", help="passes over made questions, with --pretrain")
    add(
        "--cloze-size", type=int, default=default.cloze_size, metavar="N", help="made questions a pass, always new ones"
    )
    add("--cloze-mix", type=float, default=0.0, metavar="S", help="made questions beside each real one in short passes")
    add(
        "--short",
        type=int,
        default=default.short,
        metavar="N",
        help="first N passes over a few sentences of each passage",
    )
    add(
        "--unanswerable",
        type=float,
        default=default.unanswerable,
        metavar="S",
        help="share of the questions without an answer that the first passes take",
    )
    add("--cooldown", type=float, default=default.cooldown, metavar="S", help="share of all steps with a falling rate")
    add(
        "--average",
        type=float,
        default=default.average,
        metavar="S",
        help="share of averaged weights that a step keeps",
    )
    add("--dropout", type=float, default=default.dropout, help="LoRA's dropout")
    add("--max-length", type=int, default=default.max_length, help="tokens of a window")
    add("--stride", type=int, default=default.stride, help="tokens that neighbouring windows share")
    add("--negatives", type=float, default=0.0, metavar="S", help="wrong passages to add, as a share of the answerable")
    add("--patience", type=int, default=default.patience, help="epochs without progress before it stops")


def run(args: argparse.Namespace) -> int:
    """Train, see that nothing was forgotten, evaluate what was written, and print its scores."""
    recipe = recipe_of(args)
    parts = _parts(args, recipe)
    out, base, device = options.out_of(args, "reader"), options.base_of(args), options.begin(args)
    old = forgetting.old_of(args.replay, args.seed) if args.replay else None
    start = args.start or (served(args.settings) if old else None)
    texts = read_texts(args.pretrain) if args.pretrain else []
    sets = _made(recipe, parts.train, texts, base)
    terminal.say(
        f"on {device}: {len(parts.train)} questions to learn from (and {len(parts.made)} made), "
        f"{len(parts.held)} to choose on, {len(parts.dev)} to report on"
        + (f"; {sum(map(len, sets))} made from {len(texts)} texts and their passages to begin with" if sets else "")
        + (f"; {len(old.replay)} old ones to replay of, {len(old.measured)} to measure on" if old else "")
    )
    measured = {"old": old.measured if old else [], "held_out": parts.held, "dev": parts.dev}
    earlier = forgetting.before(base, start, measured, recipe, device) if start else {}
    training = Training(
        base,
        [*parts.train, *parts.made],
        parts.held,
        recipe=recipe,
        out=out,
        device=device,
        made=sets,
        replay=old.replay if old else (),
        start=start,
    )
    options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    spent = training.clock.spent()
    known = forgetting.known(training, earlier, measured)
    for part, scores in known.items():
        terminal.say(f"{part}: F1 {scores.before.f1:.1f} before, {scores.after.f1:.1f} now, each at its best threshold")
    if old and not args.allow_forgetting:
        forgetting.refuse(known["old"], old.file)
    made_from = {"questions": sum(map(len, sets)), "texts": len(texts), "source": args.pretrain_source}
    metrics = finish(
        training,
        base,
        parts,
        source=args.source,
        spent=spent,
        made_from=made_from if sets else None,
        known={part: scores.as_dict() for part, scores in known.items()} or None,
    )
    forget(out)
    for part, figures in metrics["scores"].items():
        terminal.say(f"{part}: EM {figures['exact']}, F1 {figures['f1']} on {figures['questions']} questions")
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def served(settings: Settings) -> Path:
    """The folder of the reader that the bot reads with."""
    from bot.engines.weights import Weights

    return Weights(settings).path("reader")


def _made(recipe: Recipe, train: list[Example], texts: list[Text], base: Path) -> list[list[Example]]:
    """The cloze questions of every pass that takes some."""
    if not texts:
        return []
    mixed = round(recipe.cloze_mix * len(train))
    sizes = [recipe.cloze_size] * recipe.cloze + ([mixed] * recipe.short if mixed else [])
    return cloze.made_sets(train, texts, base, sizes, seed=recipe.seed, words=SHORT_WORDS + 5)


def _parts(args: argparse.Namespace, recipe: Recipe) -> Parts:
    file = data.find(args.data, "train")
    if file is None:
        raise DataError(f"{args.data} is neither a SQuAD-format file nor a folder with train.json")
    choose_file = args.choose or data.find(args.data, "validation")
    train, held = data.read(file), data.read(choose_file) if choose_file else []
    if not choose_file:
        train, held = data.split(train, args.dev_share, args.seed)
    if not held:
        raise DataError("nothing is held out to choose on: give --dev-share above 0")
    dev_file = args.dev or data.find(args.data, "dev")
    return Parts(
        train, data.negatives(train, recipe.negatives, recipe.seed), held, data.read(dev_file) if dev_file else []
    )


def recipe_of(args: argparse.Namespace) -> Recipe:
    """What the options ask for. Raises DataError for one that makes no sense."""
    if min(args.rank, args.tokens, args.width, args.epochs, args.batch) < 1 or not 0 <= args.dev_share < 1:
        raise DataError(
            "--rank, --tokens, --width, --epochs and --batch are at least 1, --dev-share is between 0 and 1"
        )
    if min(args.short, args.cloze, args.cloze_size) < 0 or min(args.cooldown, args.cloze_mix, args.unanswerable) < 0:
        raise DataError("numbers of passes and shares are not negative")
    if not 0 <= args.average < 1:
        raise DataError("--average is from 0 to below 1")
    if args.cloze_mix and not args.pretrain:
        raise DataError("--cloze-mix needs texts to make questions from: give --pretrain")
    if not 0 < args.replay_share <= 10:
        raise DataError("--replay-share is above 0 and at most 10")
    if (args.start or args.replay) and args.method not in MERGED:
        raise DataError(f"going on from a trained reader takes a method that can be merged: {', '.join(MERGED)}")
    if args.allow_forgetting and not args.replay:
        raise DataError("--allow-forgetting goes with --replay")
    if args.stride >= args.max_length - 80:
        raise DataError("--stride must leave room for new tokens: at most --max-length less 80")
    given = {field.name: getattr(args, field.name) for field in fields(Recipe) if hasattr(args, field.name)}
    unused = {name: 0 for name, of in (("cloze", args.pretrain), ("replay_share", args.replay)) if not of}
    return Recipe(**given | unused)
