"""A document reads the same as a page and as Markdown, and nothing that it is told can become markup in either."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from airflow_mlops.core.reports.documents import (
    BarsBlock,
    CodeBlock,
    CurveBlock,
    DocumentSection,
    IntervalBlock,
    PairsBlock,
    ProseBlock,
    ReportDocument,
    TableBlock,
    render_document_markdown,
    render_html,
)
from airflow_mlops.core.reports.documents.html_writer import MAX_BYTES
from airflow_mlops.core.reports.documents.markdown_writer import MAX_CHARACTERS

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>|`*[x](javascript:alert(3))\n# x"


class Tags(HTMLParser):
    """The tags and attributes of a page, checked to be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""


def document(*sections: DocumentSection, text: str = "text") -> ReportDocument:
    return ReportDocument(text, text, text, text, "fail", text, PairsBlock.of([(text, text)]), text, text, sections)


def all_blocks(text: str) -> DocumentSection:
    return DocumentSection.of(
        text,
        ProseBlock.of(text, text),
        ProseBlock.of(text, is_list=True),
        PairsBlock.of([(text, text)]),
        TableBlock.of((text, text), [(text, text)], note=text, collapsed_title=text),
        TableBlock.of((text, text, text, text), [(text,) * 4], is_text=True),
        BarsBlock.of((text, text), [(text, 1.0, -0.5, 2.0)], text),
        CurveBlock.of((text, text), {text: [[0.1, 0.2, 30]], text + "2": [[0.4, 0.3, 3]]}, text),
        IntervalBlock(text, 1.0, 0.5, 2.0, 0.0, text),
        CodeBlock.of(text),
        lead=text,
    )


def test_nothing_that_a_document_is_told_becomes_markup_on_the_page() -> None:
    page = Tags(render_html(document(all_blocks(EVIL), DocumentSection.missing_section(EVIL, EVIL), text=EVIL)))
    assert not {*page.found} & {"script", "img", "iframe", "object", "link", "form", "base"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert [v for name, v in page.attributes if name in ("href", "src")] == ["#s1", "#s2"]
    assert "<script>alert(1)</script>" in page.text


def test_nothing_becomes_markup_in_markdown_either() -> None:
    text = render_document_markdown(document(all_blocks(EVIL), DocumentSection.missing_section(EVIL, EVIL), text=EVIL))
    outside_code = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    assert not re.search(r"(?<!\\)<(script|img)", outside_code)
    assert not re.search(r"(?<!\\)\[x", outside_code)
    assert not re.search(r"^# x", text, flags=re.MULTILINE)
    tables = [line for line in outside_code.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert widths <= {3, 4, 5}


def test_the_page_loads_nothing_and_forbids_itself_to() -> None:
    page = render_html(document(all_blocks("text")))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"src\s*=|url\(|@import|https?:", page)


@pytest.mark.parametrize("kind", ["figures", "words"])
def test_the_same_words_stand_on_the_page_and_in_markdown(kind: str) -> None:
    page, text = (write(document(all_blocks("seen"))) for write in (render_html, render_document_markdown))
    figures = ["1 (−0.5 to 2)"] if kind == "figures" else ["10.0 %", "20.0 %"]
    for figure in figures:
        assert figure in page
        assert figure in text


def test_pictures_have_their_content_in_words_for_who_cannot_see_them() -> None:
    page = render_html(document(all_blocks("seen")))
    assert "<title>seen: 10.0 % predicted, 20.0 % observed, 30 rows</title>" in page
    assert page.count('role="img"') == 2


def test_what_is_missing_is_said() -> None:
    made = document(DocumentSection.missing_section("Fairness", "nobody looked"))
    assert "<b>Missing</b>nobody looked" in render_html(made)
    assert "*Missing:* nobody looked" in render_document_markdown(made)


def test_size_is_bounded_and_what_finds_no_room_is_named() -> None:
    wide = TableBlock.of(["&" * 60] * 8, [["&" * 160] * 8] * 40)
    made = document(*(DocumentSection.of(f"Part {i}", wide, wide) for i in range(30)))
    page, text = render_html(made), render_document_markdown(made)
    assert len(page.encode()) < MAX_BYTES + 30_000
    assert len(text) < MAX_CHARACTERS + 10_000
    assert "Part 29" in page
    assert "Omitted here for its size" in page
    assert "Omitted here for its size" in text
