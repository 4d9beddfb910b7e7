"""`frontdesk train prepare`: data of several kinds, cleaned and split by document, and a report of what was left out.

It writes train.json, validation.json and test.json in SQuAD's format, which `frontdesk train reader --data DIR` takes
as they are, and report.json. The same files, options and seed give the same parts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from channels import terminal
from finetune import cleaning, data, sources
from finetune.data import DataError, Example
from finetune.sources import Found

PARTS = ("train", "validation", "test")
SHARES = (0.8, 0.1, 0.1)
TOLD = 5
"""Places that the report names for each reason."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train prepare`."""
    add = parser.add_argument
    add("--data", type=Path, nargs="+", default=[], metavar="FILE", help="SQuAD format (.json), .jsonl or .csv")
    add("--conversations", action="store_true", help="also the desk's own: what was answered and rated up")
    add(
        "--confidence",
        type=float,
        default=None,
        metavar="P",
        help="with --conversations: also unrated answers of which the bot was at least so sure (0 to 1)",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="where to write the parts and report.json")
    add("--shares", type=float, nargs=3, default=SHARES, metavar="S", help="of train, validation, test (0.8 0.1 0.1)")
    add(
        "--mask",
        choices=["questions", "all", "none"],
        default="questions",
        help="where personal data is replaced by its kind (a company's own pages mean the addresses that they name)",
    )
    add("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> int:
    """Read, clean, split, write and tell."""
    if not args.data and not args.conversations:
        raise DataError("nothing to prepare: give --data, --conversations, or both")
    if args.confidence is not None and not (args.conversations and 0 <= args.confidence <= 1):
        raise DataError("--confidence is from 0 to 1 and goes with --conversations")
    if min(args.shares) < 0 or abs(sum(args.shares) - 1) > 1e-6 or args.shares[0] == 0:
        raise DataError("--shares are three shares that make 1, the first above 0")
    found = Found()
    for file in args.data:
        sources.read(file, found)
    if args.conversations:
        asyncio.run(sources.read_conversations(args.settings, found, confidence=args.confidence))
    read = len(found.examples) + sum(map(len, found.dropped.values()))
    kept, counts = cleaning.clean(found, args.mask)
    parts, groups = split(kept.examples, args.shares, args.seed)
    for name, part in parts.items():
        (args.out / f"{name}.json").unlink(missing_ok=True)
        if part:
            data.write(args.out / f"{name}.json", part)
    report = {
        "read": read,
        "kept": len(kept.examples),
        "dropped": {
            reason: {"count": len(where), "for_example": where[:TOLD]} for reason, where in kept.dropped.items()
        },
        "changed": asdict(counts),
        "parts": {name: told(part) for name, part in parts.items()},
        "documents_kept_together": groups,
        "seed": args.seed,
        "shares": list(args.shares),
        "files": [file.name for file in args.data] + ["conversations"] * args.conversations,
    }
    (args.out / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _say(report, args.out)
    if args.json:
        terminal.emit({"out": str(args.out), **report})
    return 0


def split(
    examples: Sequence[Example], shares: Sequence[float], seed: int
) -> tuple[dict[str, list[Example]], list[list[str]]]:
    """Parts by document, no passage nearly the same on two sides; and the documents that were kept together for that.

    Raises DataError when there are fewer documents (or groups of them) than parts.
    """
    groups = cleaning.together(examples)
    named = [replace(each, article=groups[each.article]) for each in examples]
    own = {id(group): each for group, each in zip(named, examples, strict=True)}
    wanted = sum(share > 0 for share in shares)
    if (there := len(set(groups.values()))) < wanted:
        raise DataError(
            f"{len(examples)} questions are left, on {there} documents that differ: too few for {wanted} parts"
        )
    rest, test = data.split(named, shares[2], seed)
    train, validation = data.split(rest, shares[1] / (1 - shares[2]), seed)
    parts = dict(zip(PARTS, ([own[id(each)] for each in part] for part in (train, validation, test)), strict=True))
    members: dict[str, list[str]] = {}
    for name, group in groups.items():
        members.setdefault(group, []).append(name[:80])
    return parts, [names for names in members.values() if len(names) > 1]


def told(part: Sequence[Example]) -> dict[str, int]:
    """Numbers of questions, of those without an answer, and of documents."""
    without = sum(not each.answers for each in part)
    return {"questions": len(part), "without_answer": without, "documents": len({each.article for each in part})}


def _say(report: dict[str, Any], out: Path) -> None:
    terminal.say(f"{report['read']} questions read, {report['kept']} kept")
    for reason, left in report["dropped"].items():
        terminal.say(f"  {left['count']} left out: {reason} ({', '.join(left['for_example'])})")
    for name, count in report["changed"].items():
        terminal.say(f"  {count} texts changed: {name}")
    if report["documents_kept_together"]:
        terminal.say(f"  {len(report['documents_kept_together'])} groups of documents that are nearly the same")
    for name, part in report["parts"].items():
        line = "{questions} questions ({without_answer} without an answer), {documents} documents"
        terminal.say(f"{name}: {line.format(**part)}")
    terminal.say(f"written to {out}")
