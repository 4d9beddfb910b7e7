"""`frontdesk audit`: the trail as a file, and whether somebody changed it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.store.sql import SqlStore
from channels import cli
from channels.commands import audit
from tests.store.stores import answer, claimed, hello
from tests.store.test_models import FIRST, promotion

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str | Path) -> tuple[int, str, str]:
        try:
            code = cli.main(["audit", *map(str, arguments), "--home", str(settings.home)])
        except SystemExit as stopped:
            code = int(str(stopped.code))
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


@pytest.fixture
def conversation(settings: Settings) -> str:
    """A turn and a promotion, in the home's database; and another conversation beside."""

    async def make() -> str:
        settings.home.mkdir()
        store = SqlStore(settings.database_url)
        await store.open()
        await store.accept(hello("1", text="my secret"), bot="demo", wait=False)
        claim = await claimed(store)
        await answer(store, claim, "reply1")
        await store.accept(hello("2", sender="bert"), bot="demo")
        await store.add_model(FIRST)
        await store.promote(promotion(FIRST, None))
        await store.close()
        return claim.lease.conversation

    return asyncio.run(make())


@pytest.fixture
def exported(conversation: str, run: Run, tmp_path: Path) -> Path:
    file = tmp_path / "trail.jsonl"
    assert run("export", "--out", file)[0] == 0
    return file


def lines_of(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def test_it_has_every_event_and_promotion_and_nobodys_words(exported: Path, run: Run) -> None:
    kinds = [
        next(key for key in json.loads(line) if key not in ("n", "previous", "hash")) for line in lines_of(exported)
    ]
    assert kinds == ["trail", *["event"] * 4, "promotion", "end"]
    assert "secret" not in exported.read_text(encoding="utf-8")
    code, out, _ = run("verify", exported)
    assert code == 0
    last = json.loads(lines_of(exported)[-1])["hash"]
    assert out == f"{exported} is whole: 7 lines, last hash {last}\n"
    assert run("verify", exported, "--expect", last)[0] == 0


def test_of_one_conversation_or_from_a_time_on(conversation: str, run: Run, tmp_path: Path) -> None:
    told = json.loads(run("export", "--conversation", conversation, "--out", tmp_path / "one", "--json")[1])
    assert (told["events"], told["promotions"]) == (3, 0)
    told = json.loads(run("export", "--since", "2100-01-01", "--out", tmp_path / "none", "--json")[1])
    assert (told["events"], told["promotions"]) == (0, 0)
    assert run("verify", tmp_path / "none")[0] == 0
    code, _, error = run("export", "--since", "yesterday", "--out", tmp_path / "x")
    assert code == 2
    assert "is no time such as" in error


def changed(lines: list[str]) -> list[str]:
    return [line.replace('"sequence":2', '"sequence":3') for line in lines]


def renewed(lines: list[str]) -> list[str]:
    """One line changed, and its own hash with it."""
    line = json.loads(lines[2]) | {"n": 2}
    line["event"]["cause"] = "somebody else"
    line["hash"] = audit.digest(line)
    return [*lines[:2], json.dumps(line), *lines[3:]]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (changed, "line 3: its content is not what its hash says"),
        (renewed, "line 4: it does not follow the line before"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4: it does not follow the line before"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2: it does not follow"),
        (lambda lines: lines[:-1], "the file ends too early"),
        (lambda lines: [*lines, lines[-1]], "line 8: it does not follow"),
        (lambda lines: [*lines[:2], "oops"], "line 3: it is not JSON"),
    ],
)
def test_whatever_is_changed_in_it_shows(
    exported: Path, run: Run, change: Callable[[list[str]], list[str]], why: str
) -> None:
    exported.write_text("\n".join(change(lines_of(exported))) + "\n", encoding="utf-8")
    code, out, _ = run("verify", exported)
    assert code == 1
    assert why in out
    assert json.loads(run("verify", exported, "--json")[1])["whole"] is False


def test_a_file_that_was_made_anew_as_a_whole_has_another_last_hash(exported: Path, run: Run) -> None:
    kept = json.loads(lines_of(exported)[-1])["hash"]
    last, forged = audit.START, []
    for number, text in enumerate(lines_of(exported)):
        content = {key: value for key, value in json.loads(text).items() if key not in ("n", "previous", "hash")}
        if "promotion" in content:
            content["promotion"]["reason"] = "nobody asked"
        line, last = audit.chained(number, last, content)
        forged.append(line)
    exported.write_text("\n".join(forged) + "\n", encoding="utf-8")
    assert run("verify", exported)[0] == 0
    code, out, _ = run("verify", exported, "--expect", kept)
    assert code == 1
    assert "not the one expected" in out


def test_no_file_is_written_over(exported: Path, run: Run) -> None:
    before = exported.read_bytes()
    code, _, error = run("export", "--out", exported)
    assert (code, exported.read_bytes()) == (1, before)
    assert "name a new file" in error


def test_a_home_in_which_nothing_happened_is_not_made(run: Run, settings: Settings, tmp_path: Path) -> None:
    code, _, error = run("export", "--out", tmp_path / "y")
    assert code == 1
    assert "nothing ever happened in" in error
    assert not settings.home.exists()
