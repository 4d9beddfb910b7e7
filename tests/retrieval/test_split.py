from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.formats.markdown import extract
from retrieval.formats.writer import Writer
from retrieval.split import context, split
from retrieval.types import Document
from retrieval.words import count

words = st.text(st.sampled_from("abc dé.!?;, 退货款。！？$5%|\n"), max_size=400)
long_words = st.text(st.sampled_from("xy"), min_size=1, max_size=9_000)
pieces = st.one_of(
    st.tuples(st.just("heading"), words, st.integers(1, 6)),
    st.tuples(st.just("paragraph"), st.one_of(words, long_words), st.just(0)),
    st.tuples(st.just("item"), words, st.integers(1, 4)),
    st.tuples(st.just("row"), words, st.booleans()),
    st.tuples(st.just("code"), words, st.just(0)),
)


def document(text: str, blocks: object, title: str = "Title") -> Document:
    return Document("c", "page", "0" * 32, title, text, tuple(blocks), "en")  # type: ignore[arg-type]


def markdown(text: str, title: str = "Title") -> Document:
    found = extract(text)
    return document(found.text, found.blocks, title)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=40), st.integers(5, 60))
def test_passages_quote_the_text_cover_every_block_and_stay_small(
    parts: list[tuple[str, str, int]], target: int
) -> None:
    writer = Writer()
    for kind, text, extra in parts:
        match kind:
            case "heading":
                writer.heading(text, extra)
            case "item":
                writer.item(text, extra)
            case "row":
                writer.row(text.split("|"), header=bool(extra), first=bool(extra))
            case "code":
                writer.code(text)
            case _:
                writer.paragraph(text)
    made = writer.finish()
    found = split(document(made.text, made.blocks), target_words=target, max_words=target + 20)
    covered: set[int] = set()
    end = 0
    for passage in found:
        assert made.text[passage.start : passage.end] == passage.text
        assert passage.start >= end, "passages are in order and never overlap"
        assert passage.text.strip()
        end = passage.end
        covered |= set(range(passage.start, passage.end))
        rows = [block for block in made.blocks if block.kind == "row" and passage.start <= block.start < passage.end]
        headings = [
            block for block in made.blocks if block.kind == "heading" and passage.start <= block.start < passage.end
        ]
        assert count(passage.text) <= target + 20 or rows or headings
    for block in made.blocks:
        missed = [place for place in range(block.start, block.end) if place not in covered]
        assert not "".join(made.text[place] for place in missed).strip()


def test_short_sections_come_together_and_long_ones_stay_apart() -> None:
    short = markdown("# FAQ\n\n## When?\n\nSoon.\n\n## Where?\n\nHere.\n")
    assert len(split(short)) == 1
    body = "This sentence has exactly seven words here. " * 14
    long = split(markdown(f"# FAQ\n\n## When?\n\n{body}\n\n## Where?\n\n{body}\n"))
    assert [passage.path for passage in long] == [("Title", "FAQ"), ("Title", "FAQ")] or len(long) >= 2
    assert long[-1].text.startswith("Where?")


def test_a_passage_knows_the_headings_above_it() -> None:
    body = "This sentence has exactly seven words here. " * 40
    found = split(markdown(f"# Refunds\n\n## Cards\n\n### Credit\n\n{body}", title="Refunds"))
    assert len(found) > 1
    assert found[0].text.startswith("Refunds\n\nCards\n\nCredit")
    assert found[-1].path == ("Refunds", "Cards", "Credit")
    assert context(found[-1]).startswith("Refunds > Cards > Credit\nThis sentence")
    assert context(found[0]) == found[0].text


def test_no_passage_ends_with_a_heading_whose_text_is_in_the_next() -> None:
    body = "This sentence has exactly seven words here. " * 13
    found = split(markdown("".join(f"## Part {number}\n\n{body}\n\n" for number in range(6))))
    assert all(
        "\n" not in passage.text.strip() or not passage.text.splitlines()[-1].startswith("Part") for passage in found
    )


def test_table_rows_stay_whole_and_later_parts_keep_the_header_near() -> None:
    rows = "".join(
        f"| E{number} | the heater number {number} is too hot | wait {number} minutes |\n" for number in range(40)
    )
    found = split(markdown(f"# Codes\n\n| Code | Meaning | Remedy |\n|---|---|---|\n{rows}", title="Codes"))
    assert len(found) > 2
    assert found[0].text.startswith("Codes\n\nCode | Meaning | Remedy\nE0 |")
    for passage in found[1:]:
        assert passage.path[-1] == "Code | Meaning | Remedy"
        assert all(line.count(" | ") == 2 for line in passage.text.splitlines())


def test_list_markers_belong_to_the_passage() -> None:
    item = "a step with quite a few words in it, to be sure of its length"
    found = split(markdown("".join(f"{number}. {item}\n" for number in range(1, 30))))
    assert len(found) > 1
    assert all(passage.text.splitlines()[0][0].isdigit() for passage in found)


def test_chinese_counts_characters() -> None:
    found = split(markdown("# 退款\n\n" + "我们会在收到退货后五个工作日内退款。" * 40))
    assert len(found) > 3
    assert all(count(passage.text) <= 170 for passage in found)
    assert all(passage.text.endswith("。") for passage in found)


def test_a_long_page_is_split_in_time_that_grows_with_its_length() -> None:
    found = split(markdown("\n\n".join(f"Paragraph {number} says a little." for number in range(20_000))))
    assert len(found) > 900


def test_a_long_list_keeps_what_leads_into_it() -> None:
    item = "a step with quite a few words in it, to be sure of its length"
    steps = "".join(f"{number}. {item}\n" for number in range(1, 30))
    text = f"# Filter\n\nIt is easy. To change the filter, do this:\n\n{steps}\nThat is all.\n\n- something else\n"
    first, *rest = split(markdown(text, title="Filter"))
    assert first.path == ("Filter",)
    assert len(rest) > 1
    assert all(passage.path[-1] == "To change the filter, do this:" for passage in rest if passage.text[0].isdigit())
    assert context(rest[0]).startswith("Filter > To change the filter, do this:\n")


def test_a_list_that_nothing_leads_into_carries_nothing() -> None:
    item = "a point with quite a few words in it, to be sure of its length"
    points = "".join(f"- {item} {number}\n" for number in range(30))
    rows = "".join(f"| {number} | {item} |\n" for number in range(30))
    table = f"| No | What |\n|---|---|\n{rows}"
    found = split(markdown(f"# Points\n\nThese are them.\n\n{points}\n{table}", title="Points"))
    assert {passage.path[1:] for passage in found} == {(), ("No | What",)}
