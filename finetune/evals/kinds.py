"""What can be evaluated: one table, each kind loaded when it is called; for the command and for whoever compares."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from bot.errors import ConfigError
from bot.settings import Settings
from finetune.evals import options
from finetune.evals.results import Bar, Result

KINDS: dict[str, tuple[str, str]] = {
    "retrieval": ("finetune.evals.retrieval", "search: recall, MRR and nDCG over queries with what is relevant"),
    "reader": ("finetune.evals.reader", "the reader: exact match and F1 on SQuAD-format questions"),
    "answers": ("finetune.evals.answers", "whole turns: answers judged by rules, or two prompts compared"),
    "refusal": ("finetune.evals.refusal", "confidence: coverage at a stated risk, and its calibration"),
    "check": ("finetune.evals.check", "the check: corrupted replies found, false alarms on true ones"),
    "intents": ("finetune.evals.intents", "intents: accuracy, and sentences that have none found out"),
    "slots": ("finetune.evals.slots", "slots: values found word for word, F1"),
    "speech": ("finetune.evals.speech", "speech to text: word error rate, words found, real-time factor"),
    "captions": ("finetune.evals.captions", "pictures to text: words found"),
}
"""Name -> (module with `configure(parser)` and `measure(args, bar) -> result`, help line)."""


def configure(parser: argparse.ArgumentParser, kind: str) -> None:
    """The options of one kind."""
    module, _ = KINDS[kind]
    import_module(module).configure(parser)
    options.limit(parser, rows=kind != "reader")


def measure(kind: str, args: argparse.Namespace, bar: Bar) -> Result:
    """The result of one evaluation; `args` has its options, `settings` and `home`."""
    module, _ = KINDS[kind]
    result: Result = import_module(module).measure(args, bar)
    return result


@contextmanager
def silent(description: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar that nobody sees."""
    del description, total
    yield lambda *_: None


def asked(words: Sequence[str], settings: Settings) -> argparse.Namespace:
    """The arguments of an evaluation, as they are typed after `frontdesk eval`. Raises ConfigError for another kind."""
    kind = words[0] if words else ""
    if kind not in KINDS:
        raise ConfigError(f"there is no evaluation called {kind!r}. Valid: {', '.join(KINDS)}")
    parser = argparse.ArgumentParser(prog=f"frontdesk eval {kind}")
    configure(parser, kind)
    return parser.parse_args(list(words[1:]), argparse.Namespace(settings=settings, home=settings.home, kind=kind))


def evaluate(words: Sequence[str], settings: Settings, bar: Bar = silent) -> Result:
    """An evaluation from another program: `evaluate(["reader", "--data", "dev.json"], settings)`. Nothing is kept."""
    args = asked(words, settings)
    return measure(args.kind, args, bar)
