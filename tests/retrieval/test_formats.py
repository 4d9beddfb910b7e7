from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import docx
import pytest

from retrieval.errors import DocumentError
from retrieval.formats import FORMATS, Extracted, extract_bytes
from retrieval.formats.docx import extract as extract_docx
from retrieval.formats.html import extract as extract_html
from retrieval.formats.markdown import extract as extract_markdown
from retrieval.formats.pdf import extract as extract_pdf
from retrieval.formats.text import extract as extract_plain


def said(extracted: Extracted) -> list[tuple[str, str]]:
    return [(block.kind, extracted.text[block.start : block.end]) for block in extracted.blocks]


def make_pdf(pages: list[list[tuple[str, float, float]]]) -> bytes:
    """A PDF of lines (text, font size, distance from the bottom), written by hand."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids: list[str] = []
    for lines in pages:
        stream = "".join(f"BT /F1 {size} Tf 72 {bottom} Td ({text}) Tj ET\n" for text, size, bottom in lines).encode(
            "latin-1"
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    out = io.BytesIO(b"")
    out.write(b"%PDF-1.4\n")
    places: list[int] = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table))
    return out.getvalue()


def test_markdown_loses_its_markup_and_keeps_its_structure() -> None:
    found = extract_markdown(
        "# Refunds\n\nWe **pay** you back [soon](https://shop.example/x),\nin `5` days.\n\n"
        "- one\n  - two\n\n3. three\n4. four\n\n| Paid with | Days |\n|---|---|\n| Card | 3 |\n\n```\ncode  here\n```\n"
        "> quoted\n\nline\\\nbreak\n"
    )
    assert said(found) == [
        ("heading", "Refunds"),
        ("paragraph", "We pay you back soon, in 5 days."),
        ("item", "one"),
        ("item", "two"),
        ("item", "three"),
        ("item", "four"),
        ("row", "Paid with | Days"),
        ("row", "Card | 3"),
        ("code", "code  here"),
        ("paragraph", "quoted"),
        ("paragraph", "line\nbreak"),
    ]
    assert "- one\n  - two\n3. three\n4. four" in found.text
    assert [block.header for block in found.blocks if block.kind == "row"] == [True, False]
    assert found.heading == "Refunds"


def test_a_line_break_between_chinese_characters_is_no_space() -> None:
    assert (
        extract_markdown("我们会在收到退货后\n退款。\nApple Pay\n可用").text
        == "我们会在收到退货后退款。 Apple Pay 可用"
    )


def test_html_inside_markdown_is_read_as_text() -> None:
    found = extract_markdown("before<br>after\n\n<div><p>inside</p><script>alert(1)</script></div>\n")
    assert said(found) == [("paragraph", "before\nafter"), ("paragraph", "inside")]


def test_html_leaves_out_what_belongs_to_the_site() -> None:
    found = extract_html(
        "<html><head><title>Shop: Refunds</title><style>p{}</style></head><body><nav>menu</nav>"
        "<main><h1>Refunds</h1><p>Money comes <b>back</b>.<p style='display: none'>no</p>"
        "<ol start=2><li>first<ul><li>inner</li></ul></li><li>second</li></ol>"
        "<table><tr><th>Way</th><th>Days</th></tr><tr><td>Card</td><td>3</td></tr></table>"
        "<!-- note --><pre>a\n b</pre></main><footer>imprint</footer></body></html>"
    )
    assert found.title == "Shop: Refunds"
    assert said(found) == [
        ("heading", "Refunds"),
        ("paragraph", "Money comes back."),
        ("item", "first"),
        ("item", "inner"),
        ("item", "second"),
        ("row", "Way | Days"),
        ("row", "Card | 3"),
        ("code", "a\n b"),
    ]
    assert "2. first\n  - inner\n3. second" in found.text


def test_plain_text_has_headings_items_and_unwrapped_lines() -> None:
    wrapped = "This line was wrapped by somebody's editor at a fixed width of\ncharacters, and goes on here."
    found = extract_plain(
        f"Opening hours\n\n{wrapped}\n\nWhere\n-----\n* Harbour 1\n* Station 2\n\nTidewell\nHarbour 1\n"
    )
    assert said(found) == [
        ("heading", "Opening hours"),
        ("paragraph", wrapped.replace("\n", " ")),
        ("heading", "Where"),
        ("item", "Harbour 1"),
        ("item", "Station 2"),
        ("paragraph", "Tidewell\nHarbour 1"),
    ]


def test_unseen_characters_never_reach_the_text() -> None:
    found = extract_markdown("pay\u200bment \u202eevil\u202c so\u00adft \x07bell")
    assert found.text == "payment evil soft bell"


def test_a_pdf_has_headings_by_size_and_paragraphs_by_space() -> None:
    found = extract_pdf(
        make_pdf(
            [
                [("Refunds", 24, 720), ("We pay you back within", 11, 680), ("five working days.", 11, 667),
                 ("Another paragraph.", 11, 630), ("Exchanges", 16, 590), ("An exchange is free.", 11, 560)],
                [("A second page.", 11, 700), ("2", 11, 30)],
            ]
        )
    )  # fmt: skip
    assert said(found) == [
        ("heading", "Refunds"),
        ("paragraph", "We pay you back within\nfive working days."),
        ("paragraph", "Another paragraph."),
        ("heading", "Exchanges"),
        ("paragraph", "An exchange is free."),
        ("paragraph", "A second page."),
    ]


def test_running_heads_and_page_numbers_of_a_pdf_are_left_out() -> None:
    pages = [
        [("Tidewell handbook", 9, 760), (f"Text of part {name}.", 11, 600), (f"Page {number} of 4", 9, 30)]
        for number, name in enumerate(["one", "two", "three", "four"], start=1)
    ]
    text = extract_pdf(make_pdf(pages)).text
    assert "handbook" not in text
    assert "Page" not in text
    assert "part four" in text


def make_docx() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Manual"
    document.add_heading("Kettle", 1)
    document.add_paragraph("Fill it.")
    document.add_paragraph("Rinse", style="List Bullet")
    table = document.add_table(rows=2, cols=3)
    for row, cells in enumerate([("Code", "What", "Do"), ("E1", "hot", "wait")]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 1).merge(table.cell(1, 2))
    document.add_paragraph("After the table.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_a_docx_is_read_in_order() -> None:
    found = extract_docx(make_docx())
    assert found.title == "Manual"
    assert [kind for kind, _ in said(found)] == ["heading", "paragraph", "item", "row", "row", "paragraph"]
    assert said(found)[3:5] == [("row", "Code | What | Do"), ("row", "E1 | hot wait")]


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"\0" * 60_000_000)
    with pytest.raises(DocumentError, match="zip bomb"):
        extract_docx(out.getvalue())


def test_xml_that_expands_without_end_is_refused_or_harmless() -> None:
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "'
        + "lol" * 100
        + '">'
        + "".join(f'<!ENTITY {chr(98 + i)} "{"".join("&" + chr(97 + i) + ";" for _ in range(10))}">' for i in range(8))
    )
    source, out = zipfile.ZipFile(io.BytesIO(make_docx())), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = data.replace(b"<w:document", bomb.encode() + b"]><w:document", 1).replace(b"Fill it.", b"&i;")
            archive.writestr(name, data)
    with suppress(DocumentError):
        assert len(extract_docx(out.getvalue()).text) < 10_000


@pytest.mark.parametrize("suffix", [".pdf", ".docx"])
@pytest.mark.parametrize("data", [b"", b"junk", b"%PDF-1.7\n" + b"\xff" * 500, b"PK\x03\x04" + b"\0" * 100])
def test_junk_is_a_document_error(suffix: str, data: bytes) -> None:
    with pytest.raises(DocumentError):
        extract_bytes(FORMATS[suffix], data)


def test_a_docx_with_any_byte_wrong_is_read_or_refused(tmp_path: Path) -> None:
    data = bytearray(make_docx())
    for place in range(0, len(data), max(len(data) // 150, 1)):
        broken = bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            extract_docx(broken)
        except DocumentError:
            continue
    for length in range(0, len(data), len(data) // 20):
        with pytest.raises(DocumentError):
            extract_docx(bytes(data[:length]))
