from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from retrieval import load as loading
from retrieval.errors import DocumentError
from retrieval.front_matter import UnknownAudienceError
from retrieval.load import load_file
from retrieval.types import Audience, Document

Write = Callable[[str, str | bytes], Path]


def read(path: Path, root: Path, **options: object) -> Document:
    return load_file(path, root, collection="help", **options)  # type: ignore[arg-type]


def test_front_matter_is_read_and_taken_off(write: Write, docs: Path) -> None:
    path = write(
        "en/refunds.md",
        "---\ntitle: Your money back\naudience: public\nlanguage: en-GB\nurl: https://shop.example/refunds\n"
        "updated: 2026-11-09\nreview_by: '2027-05-09'\nslug: ignored\n---\n\n# Refunds\n\nSoon.\n",
    )
    found = read(path, docs)
    assert (found.name, found.title, found.language) == ("en/refunds", "Your money back", "en")
    assert (found.url, found.updated, found.review_by) == (
        "https://shop.example/refunds", date(2026, 11, 9), date(2027, 5, 9)
    )  # fmt: skip
    assert found.text == "Refunds\n\nSoon."
    assert found.audience is Audience.PUBLIC


def test_the_title_is_the_first_heading_else_the_file_name(write: Write, docs: Path) -> None:
    assert read(write("a.md", "text\n\n## Later heading"), docs).title == "Later heading"
    assert read(write("opening-hours.md", "just text"), docs).title == "opening-hours"


def test_the_language_is_told_by_the_text(write: Write, docs: Path) -> None:
    assert read(write("zh.md", "# 退款\n\n使用 Apple Pay 付款的订单会退回原账户。"), docs).language == "zh"
    assert read(write("en.md", "# Refunds\n\nThe word 退款 means refund."), docs).language == "en"


@pytest.mark.parametrize(
    ("front", "flag", "rule", "expected"),
    [
        ("", None, None, Audience.PUBLIC),
        ("audience: public", Audience.PUBLIC, "^Never", Audience.PUBLIC),
        ("audience: internal", None, None, Audience.INTERNAL),
        ("audience: Internal", Audience.PUBLIC, None, Audience.INTERNAL),
        ("audience: public", Audience.INTERNAL, None, Audience.INTERNAL),
        ("audience: public", Audience.PUBLIC, "^Internal", Audience.INTERNAL),
        ("title: Public face", None, "^Internal", Audience.PUBLIC),
        ("title: 'Internal: desk'", None, "^Internal", Audience.INTERNAL),
    ],
)
def test_any_word_for_internal_makes_it_internal(
    write: Write, docs: Path, front: str, flag: Audience | None, rule: str | None, expected: Audience
) -> None:
    path = write("page.md", f"---\n{front}\n---\n# Internal: how we work\n\ntext")
    pattern = re.compile(rule) if rule else None
    assert read(path, docs, audience=flag, internal_title=pattern).audience is expected


def test_an_unknown_audience_is_an_error_that_names_the_valid_ones(write: Write, docs: Path) -> None:
    for value in ("secret", "", "[internal]", "customers"):
        with pytest.raises(UnknownAudienceError, match=r"page\.md.*public, internal"):
            read(write("page.md", f"---\naudience: {value}\n---\ntext"), docs)


@pytest.mark.parametrize(
    "content",
    [
        "---\naudience: internal\ntext that never closes it",
        "---\ntitle: [broken\n---\ntext",
        "---\nurl: javascript:alert(1)\n---\ntext",
        "---\nupdated: soon\n---\ntext",
        "---\nlanguage: 'english!'\n---\ntext",
        "---\ntitle: {a: b}\n---\ntext",
        "---\ntitle: empty\n---\n",
        "",
        b"text\xff\xfe broken \xc3\xa9",
        b"\x89PNG\r\n\x1a\n\0\0\0",
    ],
)
def test_what_is_broken_is_said_with_the_file_name(write: Write, docs: Path, content: str | bytes) -> None:
    with pytest.raises(DocumentError, match=r"page\.md: "):
        read(write("page.md", content), docs)


def test_two_rules_around_prose_are_no_front_matter(write: Write, docs: Path) -> None:
    assert "some prose" in read(write("page.md", "---\nsome prose\n\n---\n\nmore"), docs).text


def test_encodings_by_mark_and_for_plain_text_by_content(write: Write, docs: Path) -> None:
    for number, encoding in enumerate(["utf-8-sig", "utf-16", "utf-32"]):
        assert read(write(f"{number}.md", "# Größe\n\n25 €".encode(encoding)), docs).title == "Größe"
    assert "café à 5 €" in read(write("a.txt", "Un café à 5 € s'il vous plaît, merci.".encode("cp1252")), docs).text
    assert "退货政策" in read(write("b.txt", "本店的退货政策如下，请仔细阅读。".encode("gb18030")), docs).text
    for broken in (b"hello \xff\xfe world", "gut genug für \udcff".encode("utf-8", "surrogateescape")):
        with pytest.raises(DocumentError, match="UTF-8"):
            read(write("c.txt", broken), docs)


def test_a_file_over_the_limit_is_refused_unread(write: Write, docs: Path) -> None:
    path = write("page.md", "x")
    with path.open("r+b") as file:
        file.truncate(6_000_000)
    with pytest.raises(DocumentError, match="limit"):
        read(path, docs)


def test_nesting_without_end_is_refused_or_read(write: Write, docs: Path) -> None:
    for name, content in (
        ("a.html", "<div>" * 20_000 + "x"),
        ("b.md", "> " * 5_000 + "x"),
        ("c.md", "- " * 3_000 + "x"),
    ):
        with suppress(DocumentError):
            assert read(write(name, content), docs).text


def test_the_version_changes_with_what_an_answer_depends_on(write: Write, docs: Path) -> None:
    base = read(write("page.md", "---\ntitle: A\n---\ntext"), docs)
    same = read(write("page.md", "---\ntitle: A\nupdated: 2026-01-01\n---\n**text**"), docs)
    assert same.version == base.version
    assert same.fingerprint != base.fingerprint
    for other in (
        "---\ntitle: B\n---\ntext",
        "---\ntitle: A\n---\nTEXT",
        "---\ntitle: A\naudience: internal\n---\ntext",
    ):
        assert read(write("page.md", other), docs).version != base.version


def test_an_unknown_type_names_those_that_are_read(write: Write, docs: Path) -> None:
    with pytest.raises(DocumentError, match=r"\.docx"):
        read(write("a.xyz", "text"), docs)
    assert not loading.is_readable(Path("a.xyz"))
