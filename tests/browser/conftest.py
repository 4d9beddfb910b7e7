"""Chromium, and a server for it to look at.

Everything lives as long as this folder's tests and no longer: while Playwright's synchronous interface is open, an
event loop runs in this thread, and no other test could start one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests import needs
from tests.browser.served import Served

expect.set_options(timeout=15_000)  # the machine may have other things to do
READING = ("encoder", "reader")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def launch() -> Iterator[Callable[..., Browser]]:
    """Start chromium with extra flags; all are closed at the end."""
    path = needs.program("chromium")
    with sync_playwright() as playwright:
        running: list[Browser] = []

        def start(*flags: str) -> Browser:
            browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
            running.append(browser)
            return browser

        yield start
        for browser in running:
            browser.close()


@pytest.fixture(scope="package")
def browser(launch: Callable[..., Browser]) -> Browser:
    return launch()


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Answers are found by the real models; what takes long (speech, pictures, the generator) is fake."""
    needs.weights(*READING)
    server = Served(tmp_path_factory.mktemp("served") / "home", real=(*READING, "checker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def visitor(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    """A fresh visitor; a page that throws an error, or a request that fails for a reason of ours, fails the test."""
    context = browser.new_context(base_url=served.url, viewport={"width": 1200, "height": 850}, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def page(visitor: BrowserContext) -> Iterator[Page]:
    errors: list[str] = []
    page = visitor.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


class Chat:
    """The widget as a person sees it. Playwright's locators pierce the shadow tree."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.launcher = page.locator("button.launcher")
        self.panel = page.locator("section.panel")
        self.area = page.locator("textarea")
        self.messages = page.locator("article.message")
        self.answers = page.locator("article.message.bot:not(.provisional)")

    def open(self, path: str = "/") -> Chat:
        self.page.goto(path)
        self.wait_until_loaded()
        if not self.page.evaluate("window.$frontdesk.isOpen"):
            self.launcher.click()
        return self

    def wait_until_loaded(self) -> None:
        """Asked again and again from here: the page's content policy forbids what `wait_for_function` does."""
        until = time.monotonic() + 30
        while not self.page.evaluate("() => Boolean(window.$frontdesk && window.$frontdesk.hasLoaded)"):
            assert time.monotonic() < until, "the widget did not load"
            time.sleep(0.05)

    def say(self, text: str) -> None:
        self.area.fill(text)
        self.area.press("Enter")

    def wait_for_answers(self, number: int, timeout: float = 40_000) -> str:
        """The text of the newest committed answer, when there are `number` of them."""
        self.answers.nth(number - 1).wait_for(timeout=timeout)
        return self.answers.nth(number - 1).inner_text()


@pytest.fixture
def chat(page: Page) -> Chat:
    return Chat(page)


def save(page: Page, folder: Path, name: str, **options: Any) -> None:
    """A screenshot for people to look at."""
    page.screenshot(path=folder / f"{name}.png", **options)
