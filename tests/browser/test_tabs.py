"""Several tabs of one visitor, what the browser keeps between them, and what changes after it was shown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from bot.events import Actor, Body, Deleted, Edited
from bot.store.sql import SqlStore
from bot.types import Words
from channels.writing import append
from tests.browser.conftest import Chat
from tests.browser.served import Served

pytestmark = pytest.mark.browser
QUESTION = "How long do I have to return an item?"
SLOW = """
    const quick = window.fetch;
    const moment = () => new Promise((done) => setTimeout(done, 800));
    window.fetch = (...given) => moment().then(() => quick(...given)).then((answer) => moment().then(() => answer));
"""
T = TypeVar("T")


def seen(chat: Chat, what: str) -> Any:
    """Something of the tab's wire."""
    return chat.page.evaluate(f"document.querySelector('frontdesk-widget').wire.{what}")


def session(chat: Chat, served: Served) -> dict[str, Any]:
    """What the server tells of the tab's visitor."""
    asked = {"website_token": "demo", "token": seen(chat, "session.token")}
    found: dict[str, Any] = httpx.post(f"{served.url}/web/session", json=asked).json()
    return found


def in_store(served: Served, work: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Work with the server's database from another process's side; an event loop runs in this thread already."""

    async def run() -> T:
        store = SqlStore(f"sqlite:///{served.home / 'frontdesk.db'}")
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    with ThreadPoolExecutor() as pool:
        return pool.submit(asyncio.run, run()).result()


def test_two_tabs_of_one_visitor_both_see_everything_once(chat: Chat, visitor: BrowserContext, served: Served) -> None:
    chat.open()
    other = Chat(visitor.new_page()).open("/help")
    chat.say(QUESTION)
    chat.wait_for_answers(1)
    other.wait_for_answers(1)
    other.say("And who pays for it?")
    chat.wait_for_answers(2)
    other.wait_for_answers(2)
    history = session(chat, served)["history"]  # how many replies two questions have is the models' business
    for tab in (chat, other):
        expect(tab.page.locator("article.message.customer .body")).to_have_text([QUESTION, "And who pays for it?"])
        expect(tab.messages).to_have_count(len(history))
        expect(tab.answers).to_have_count(sum(frame["from"] == "bot" for frame in history))


def test_a_reset_in_one_tab_makes_the_other_somebody_new_too(chat: Chat, visitor: BrowserContext) -> None:
    other = Chat(visitor.new_page())
    chat.open()
    other.open()
    chat.say("hello")
    other.wait_for_answers(1)
    before = seen(other, "session.visitor")
    chat.page.evaluate("window.$frontdesk.reset()")
    expect(other.messages).to_have_count(0)
    assert seen(other, "seq") == 0
    assert seen(other, "session.visitor") == seen(chat, "session.visitor") != before
    other.say("hello from somebody new")
    for tab in (chat, other):
        tab.wait_for_answers(1)
        expect(tab.messages).to_have_count(2)


def test_tabs_that_are_opened_at_the_same_moment_are_one_visitor(browser: Browser, served: Served) -> None:
    context = browser.new_context(base_url=served.url)
    context.add_init_script(SLOW)
    tabs = [Chat(context.new_page()) for _ in range(3)]
    for tab in tabs:
        tab.page.goto("/", wait_until="commit")
    for tab in tabs:
        tab.open()
    tabs[0].say("hello")
    for tab in tabs:
        tab.wait_for_answers(1)
    assert len({seen(tab, "session.visitor") for tab in tabs}) == 1
    context.close()


def test_a_message_whose_receipt_was_lost_is_not_shown_twice(chat: Chat) -> None:
    chat.open().say("hello")
    chat.wait_for_answers(1)
    chat.page.evaluate(
        """() => {
            const widget = document.querySelector("frontdesk-widget");
            const said = widget.frames.find((frame) => frame.from === "customer");
            widget.memory.enqueue({ type: "message", client_id: said.client_id, text: said.text });
        }"""
    )
    chat.open("/help")
    chat.wait_for_answers(1)
    expect(chat.page.locator(".state.sending, .state.waiting")).to_have_count(0)
    expect(chat.page.locator("article.message.customer")).to_have_count(1)
    assert chat.page.evaluate("document.querySelector('frontdesk-widget').memory.queue()") == []


def test_what_is_edited_or_taken_back_changes_where_it_is_shown(chat: Chat, served: Served) -> None:
    chat.open().say("My order is 1234")
    chat.wait_for_answers(1)
    told = session(chat, served)
    mine, answer = (next(frame for frame in told["history"] if frame["from"] == who) for who in ("customer", "bot"))
    bodies: list[Body] = [
        Edited(message_id=mine["id"], text=Words(text="My order is <b>5678</b>")),
        Deleted(message_id=answer["id"]),
    ]
    who = Actor(kind="agent", id="mia")
    in_store(served, lambda store: append(store, told["conversation"], who, lambda _: bodies))

    def changed() -> None:
        written = chat.page.locator("article.message.customer")
        expect(written.locator(".body")).to_have_text("My order is <b>5678</b>")
        expect(written.locator(".edited")).to_have_text("Edited")
        expect(chat.answers.first.locator(".body")).to_have_text("This message was taken back.")
        expect(chat.messages).to_have_count(len(told["history"]))

    changed()
    chat.open("/help")
    changed()
    chat.page.evaluate("window.$frontdesk.setLocale('zh')")
    expect(chat.answers.first.locator(".body")).to_have_text("此消息已撤回。")


def test_what_a_site_told_is_told_again_to_a_server_that_was_started_again(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = Served(tmp_path_factory.mktemp("told") / "home")
    server.start()
    try:
        context = browser.new_context(base_url=server.url)
        chat = Chat(context.new_page()).open()
        chat.page.evaluate("window.$frontdesk.setUser('c-1', {name: 'Ada', email: 'ada@customers.example'})")
        chat.page.evaluate("window.$frontdesk.setCustomAttributes({plan: 'gold', age: 7})")
        chat.page.evaluate("window.$frontdesk.deleteCustomAttribute('age')")
        chat.page.evaluate("window.$frontdesk.setLabel('vip')")
        expect(chat.panel).not_to_have_class("offline")
        server.kill()
        server.start()
        chat.say("hello")
        chat.wait_for_answers(1)
        conversation = session(chat, server)["conversation"]
        state = in_store(server, lambda store: store.load(conversation))
        assert {key: words.text for key, words in state.contact.items()} == {
            "name": "Ada",
            "email": "ada@customers.example",
            "plan": "gold",
        }
        assert state.labels == ("vip",)
        context.close()
    finally:
        server.stop()
