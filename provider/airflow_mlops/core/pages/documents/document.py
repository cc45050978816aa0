"""A document: a headline and sections, the same content for the page, for Markdown and for the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_mlops.core.pages import words
from airflow_mlops.core.pages.documents.blocks import Block, Pairs
from airflow_mlops.core.pages.verdicts import Tone

MOST_SECTIONS = 30
TONES: tuple[Tone, ...] = ("pass", "warn", "fail", "none")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document.

    :param title: its heading.
    :param blocks: what it holds.
    :param lead: what it comes to, in a sentence.
    :param missing: why there is nothing to show; empty when there is.
    """

    title: str
    blocks: tuple[Block, ...] = ()
    lead: str = ""
    missing: str = ""

    @classmethod
    def of(cls, title: str, *blocks: Block | None, lead: str = "") -> Self:
        """Make a section of the blocks that there are."""
        return cls(words.text(title, words.MOST_LABEL), tuple(b for b in blocks if b is not None), words.text(lead))

    @classmethod
    def without(cls, title: str, why: str) -> Self:
        """Make a section that says why it is empty."""
        return cls(words.text(title, words.MOST_LABEL), missing=words.text(why))

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        blocks = [block.to_dict() for block in self.blocks]
        return {"title": self.title, "lead": self.lead, "missing": self.missing, "blocks": blocks}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read it back; blocks that this version does not know are left out."""
        blocks = tuple(found for block in data["blocks"] if (found := Block.from_dict(block)) is not None)
        return cls(str(data["title"]), blocks, str(data["lead"]), str(data["missing"]))


@dataclass(frozen=True, slots=True)
class Document:
    """A headline and sections.

    :param kind: what it is, such as ``Model card``.
    :param title: what it is about, such as ``churn v2``.
    :param subject: that in a few words more.
    :param lead: the most important sentence.
    :param tone: which colour and sign it gets.
    :param plain: the judgement in the store's own word; empty when there is none.
    :param figures: the most important figures.
    :param made: when, ISO.
    :param foot: what stands at its end.
    :param sections: its parts.
    """

    kind: str
    title: str
    subject: str
    lead: str
    tone: Tone
    plain: str
    figures: Pairs
    made: str
    foot: str
    sections: tuple[Section, ...]

    def with_sections(self, sections: Iterable[Section]) -> Self:
        """Give the document with other sections."""
        from dataclasses import replace

        return replace(self, sections=tuple(sections)[:MOST_SECTIONS])

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON, within the bounds of a report's facts."""
        texts = ("kind", "title", "subject", "lead", "tone", "plain", "made", "foot")
        return {
            **{name: getattr(self, name) for name in texts},
            "figures": self.figures.to_dict(),
            "sections": [section.to_dict() for section in self.sections],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read it back."""
        tone: Tone = data["tone"] if data["tone"] in TONES else "none"
        texts = {name: str(data[name]) for name in ("kind", "title", "subject", "lead", "plain", "made", "foot")}
        figures = Pairs.read(data["figures"])
        sections = tuple(Section.from_dict(section) for section in data["sections"])
        return cls(**texts, tone=tone, figures=figures, sections=sections)
