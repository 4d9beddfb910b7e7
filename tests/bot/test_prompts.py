"""Prompts are templates with a block for every role, and can do nothing but write text."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.botfile import find_data
from bot.errors import ConfigError
from bot.prompts import Prompts


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    (tmp_path / "answer.jinja2").write_text(
        "{% block system %}You work for {{ company }}.{% endblock %}\n{% block user %}{{ question }}{% endblock %}"
    )
    return tmp_path


def test_blocks_become_messages_in_the_order_of_roles(prompts: Path) -> None:
    messages = Prompts(prompts).render("answer", company="Acme", question="Where?")
    assert messages == [("system", "You work for Acme."), ("user", "Where?")]


def test_a_customers_braces_stay_text(prompts: Path) -> None:
    assert Prompts(prompts).render("answer", company="A", question="{{ 7 * 7 }}")[1] == ("user", "{{ 7 * 7 }}")


def test_a_changed_prompt_has_another_version(prompts: Path) -> None:
    before = Prompts(prompts).version
    (prompts / "answer.jinja2").write_text("{% block user %}else{% endblock %}")
    assert Prompts(prompts).version != before


def test_a_value_that_is_missing_is_named(prompts: Path) -> None:
    with pytest.raises(ConfigError, match="company"):
        Prompts(prompts).render("answer", question="x")


def test_an_unknown_prompt_lists_the_known(prompts: Path) -> None:
    with pytest.raises(ConfigError, match="Known: answer"):
        Prompts(prompts).render("nothing")


@pytest.mark.parametrize("text", ["{% block user %}", "no block at all"])
def test_a_broken_template_is_found_at_start(prompts: Path, text: str) -> None:
    (prompts / "broken.jinja2").write_text(text)
    with pytest.raises(ConfigError, match="broken"):
        Prompts(prompts)


def test_the_sandbox_keeps_a_template_from_python(prompts: Path) -> None:
    (prompts / "evil.jinja2").write_text("{% block user %}{{ ''.__class__.__mro__ }}{% endblock %}")
    with pytest.raises(ConfigError, match="evil"):
        Prompts(prompts).render("evil")


def test_the_demo_companys_prompts_are_sound() -> None:
    assert "answer" in Prompts(find_data() / "prompts").names
