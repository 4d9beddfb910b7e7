"""`frontdesk validate` and the file of rules; and what a bot with rules and a shop is wired of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.actions.builtin import TABLE, shop_actions
from bot.actions.fake import FakeActions
from bot.actions.runner import InTurn, make_actions
from bot.botfile import find_data
from bot.build import build
from bot.errors import ActionFailed, ConfigError
from bot.results import ActionResult
from bot.settings import Settings
from channels.commands.validate import examined
from tests.bot.actions.stage import call

RULE = '[[rules]]\nactions = ["{action}"]\nthen = "approve"\nby = "returns"\nreason = "Money."\n'

FLOWS = """
version: "3.1"
flows:
  return:
    description: send something back
    steps:
      - collect: order_number
      - action: action_start_return
slots:
  order_number: {type: text, mappings: [{type: from_llm}]}
responses:
  utter_ask_order_number: [{text: "Which order?"}]
actions: [action_start_return]
"""


def bot(folder: Path, rules: str, *, shop: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "domain.yml").write_text(FLOWS)
    (folder / "rules.toml").write_text(rules)
    (folder / "prompts").symlink_to(find_data() / "prompts")
    (folder / "products.jsonl").symlink_to(find_data() / "products.jsonl")
    (folder / "bot.toml").write_text('name = "Acme"\n[generator]\nenabled = false\n' + ("[shop]\n" if shop else ""))
    return folder


def told(folder: Path, code: str) -> list[str]:
    return [problem.message for problem in examined(folder)[0] if problem.code == code]


def test_rules_that_are_right_and_built_in_actions_are_no_problem(tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot", RULE.format(action="action_start_*"))
    assert told(folder, "rules") == []
    assert told(folder, "unknown_action") == []
    assert not [line for line in told(folder, "missing_response") if "rule" in line]


def test_without_a_shop_there_are_no_built_in_actions(tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot", "", shop=False)
    assert any("action_start_return" in line for line in told(folder, "unknown_action"))


@pytest.mark.parametrize(
    ("rules", "code", "said"),
    [
        (RULE.format(action="action_strat_return"), "rules", "'action_strat_return' is no action of any flow"),
        ("[[rules]]\n", "rules", "rule 1, actions"),
        (RULE.format(action="action_start_return") + 'utter = "utter_nobody"\n', "missing_response", "utter_nobody"),
    ],
)
def test_what_is_wrong_with_rules_is_told(tmp_path: Path, rules: str, code: str, said: str) -> None:
    assert any(said in line for line in told(bot(tmp_path / "bot", rules), code))


async def test_a_bot_is_wired_with_its_rules_and_its_shop(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = bot(tmp_path / "bot", RULE.format(action="action_start_return"))
    made = make_actions(
        folder, builtin=lambda: shop_actions(f"sqlite:///{tmp_path / 'shop.db'}", folder / "products.jsonl")
    )
    await made.start()
    assert await made.names() == set(TABLE)
    await made.close()
    (folder / "rules.toml").write_text("[[rules]]\n")
    domain = find_data() / "domain" / "responses.yml"
    (folder / "domain").mkdir()
    (folder / "domain.yml").rename(folder / "domain" / "flows.yml")
    (folder / "domain" / "responses.yml").symlink_to(domain)
    with pytest.raises(ConfigError, match=r"rules\.toml is wrong"):
        await build(make_settings(bot=folder))


async def test_only_what_the_first_does_not_know_goes_to_the_second() -> None:
    first = FakeActions({"a": ActionResult(problems=("first",)), "b": ActionFailed("b", "broke")})
    second = FakeActions({"b": ActionResult(), "c": ActionResult(problems=("second",)), "a": ActionResult()})
    both = InTurn(first, second)
    await both.start()
    assert await both.healthy()
    assert await both.names() == {"a", "b", "c"}
    assert (await both.run(call("a"))).problems == ("first",)
    assert (await both.run(call("c"))).problems == ("second",)
    with pytest.raises(ActionFailed):
        await both.run(call("b"))
    assert [asked.action for asked in second.calls] == ["c"]
    await both.close()
    assert not await both.healthy()
