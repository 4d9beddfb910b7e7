"""YAML whose tables and lists know the lines that they stand on, read as YAML 1.2 (as Rasa reads it): `yes` is a text.

Mistakes are gathered, not raised one by one: a person mends a file once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from yaml.constructor import ConstructorError

from bot.flows.model import Place, Problem


class Table(dict[Any, Any]):
    """A mapping. `lines` has each key's line, `line` its own."""

    line: int = 0
    lines: dict[Any, int]


class Rows(list[Any]):
    """A list. `lines` has each item's line."""

    line: int = 0
    lines: list[int]


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc] # the class is chosen when the module is loaded
    """Scalars by YAML 1.2's core schema; a key that stands twice is a mistake."""


_POINT = r"(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)"
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", rf"^(?:[-+]?{_POINT}(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+0123456789."),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^(?:<<)$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _whole(loader: Any, node: Any) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _table(loader: Any, node: Any) -> Table:
    table, lines = Table(), {}
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise ConstructorError(None, None, "a key must be a plain word", key_node.start_mark)
        if key in lines:
            raise ConstructorError(None, None, f"the key {key!r} stands here twice", key_node.start_mark)
        lines[key] = key_node.start_mark.line + 1
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        lines.setdefault(key, key_node.start_mark.line + 1)
        table[key] = loader.construct_object(value_node, deep=True)
    table.line, table.lines = node.start_mark.line + 1, lines
    return table


def _rows(loader: Any, node: Any) -> Rows:
    rows = Rows(loader.construct_object(item, deep=True) for item in node.value)
    rows.line, rows.lines = node.start_mark.line + 1, [item.start_mark.line + 1 for item in node.value]
    return rows


_Loader.add_constructor("tag:yaml.org,2002:map", _table)
_Loader.add_constructor("tag:yaml.org,2002:seq", _rows)
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


class Source:
    """One file and what is wrong with it. `problem` adds a mistake at the line of a key or an item of a container."""

    def __init__(self, file: Path | str, problems: list[Problem]) -> None:
        self.file = str(file)
        self.problems = problems

    def place(self, container: Any = None, key: Any = None) -> Place:
        """Where a table or list, or one of its entries, stands."""
        return Place(self.file, line_of(container, key))

    def problem(
        self,
        code: str,
        message: str,
        container: Any = None,
        key: Any = None,
        *,
        level: Literal["error", "warning"] = "error",
    ) -> None:
        self.problems.append(Problem(code, message, self.place(container, key), level))

    def unknown(self, table: Any, known: Collection[str], what: str) -> None:
        """Report the keys of a table that mean nothing there."""
        for key in table:
            if key not in known:
                self.problem("unknown_key", f"{what} has no key {key!r}{meant(str(key), known)}", table, key)

    def table(self, given: Any, what: str, container: Any = None, key: Any = None) -> Table:
        """The value as a table; anything else is a mistake and counts as an empty one."""
        if isinstance(given, Table):
            return given
        if given is not None:
            self.problem("wrong_type", f"{what} must be a mapping (key: value), not {_kind(given)}", container, key)
        return _empty_table()

    def rows(self, given: Any, what: str, container: Any = None, key: Any = None) -> Rows:
        """The value as a list; anything else is a mistake and counts as an empty one."""
        if isinstance(given, Rows):
            return given
        if given is not None:
            self.problem("wrong_type", f"{what} must be a list (- item), not {_kind(given)}", container, key)
        rows = Rows()
        rows.lines = []
        return rows

    def flag(self, table: Table, key: str, default: bool, what: str) -> bool:
        """The value of a key that is true or false."""
        value = table.get(key, default)
        if not isinstance(value, bool):
            self.problem("wrong_type", f"{what}: {key!r} is true or false, not {value!r}", table, key)
            return default
        return value

    def text(self, table: Table, key: str, what: str) -> str | None:
        """The value of a key that is a text; None where it is missing or something else."""
        value = table.get(key)
        if value is not None and not isinstance(value, str):
            self.problem(
                "wrong_type", f"{what}: {key!r} is a text, not {_kind(value)}; put quotes around it", table, key
            )
            return None
        return value


def line_of(container: Any, key: Any = None) -> int:
    """The line of a table or list, or of one of its entries; 0 where it is not known."""
    if isinstance(container, Table):
        return container.lines.get(key, container.line) if key is not None else container.line
    if isinstance(container, Rows) and container.lines:
        return container.lines[key] if isinstance(key, int) else container.line
    return 0


def read(text: str, source: Source) -> Table:
    """The tables of one file. What is not YAML, or no mapping, is a problem of the source, and an empty table."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, with lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        place = Place(source.file, mark.line + 1 if mark else 0)
        source.problems.append(Problem("yaml", f"not valid YAML: {what}", place))
        return _empty_table()
    return source.table(content, "a file of a bot")


def files(path: Path) -> list[Path]:
    """The file itself, or all `*.yml` and `*.yaml` below a folder, in order; hidden folders are left out."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    found = [*path.rglob("*.yml"), *path.rglob("*.yaml")]
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts))


def meant(word: str, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?" for a word that resembles a known one, else which there are."""
    names = sorted(map(str, known))
    if close := get_close_matches(word, names, n=1, cutoff=0.7):
        return f"; did you mean {close[0]!r}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; known are: {shown}" if names else ""


def plain(given: Any) -> Any:
    """The same data as plain dicts and lists."""
    if isinstance(given, dict):
        return {key: plain(value) for key, value in given.items()}
    return [plain(item) for item in given] if isinstance(given, list) else given


def _empty_table() -> Table:
    table = Table()
    table.lines = {}
    return table


def _kind(given: Any) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return next((name for kind, name in names.items() if isinstance(given, kind)), "nothing")
