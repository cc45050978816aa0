"""Document model: a headline and sections, shared by the HTML page, Markdown and the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_mlops.core.reports import formatting
from airflow_mlops.core.reports.documents.blocks import DocumentBlock, PairsBlock
from airflow_mlops.core.reports.headline import Tone

MAX_SECTIONS = 30
_TONES: tuple[Tone, ...] = ("pass", "warn", "fail", "none")


@dataclass(frozen=True, slots=True)
class DocumentSection:
    """A section of a document.

    :param title: the heading.
    :param blocks: the content.
    :param lead: the summary sentence.
    :param missing: why there is no content; else empty.
    """

    title: str
    blocks: tuple[DocumentBlock, ...] = ()
    lead: str = ""
    missing: str = ""

    @classmethod
    def of(cls, title: str, *blocks: DocumentBlock | None, lead: str = "") -> Self:
        """Build a section from the blocks that exist."""
        return cls(
            formatting.format_text(title, formatting.MAX_LABEL_LENGTH),
            tuple(b for b in blocks if b is not None),
            formatting.format_text(lead),
        )

    @classmethod
    def missing_section(cls, title: str, why: str) -> Self:
        """Build a section that states why it is empty."""
        return cls(formatting.format_text(title, formatting.MAX_LABEL_LENGTH), missing=formatting.format_text(why))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-serialisable section."""
        blocks = [block.to_dict() for block in self.blocks]
        return {"title": self.title, "lead": self.lead, "missing": self.missing, "blocks": blocks}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse a section; unsupported blocks are skipped."""
        blocks = tuple(parsed for block in data["blocks"] if (parsed := DocumentBlock.from_dict(block)) is not None)
        return cls(str(data["title"]), blocks, str(data["lead"]), str(data["missing"]))


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """A headline and sections.

    :param kind: the kind, such as ``Model card``.
    :param title: the title, such as ``churn v2``.
    :param subject: the subtitle.
    :param lead: the most important sentence.
    :param tone: the colour and icon.
    :param status: the verdict as stored; empty when there is none.
    :param key_values: the key values.
    :param created_at: the creation time, ISO.
    :param footer: the footer.
    :param sections: the sections.
    """

    kind: str
    title: str
    subject: str
    lead: str
    tone: Tone
    status: str
    key_values: PairsBlock
    created_at: str
    footer: str
    sections: tuple[DocumentSection, ...]

    def with_sections(self, sections: Iterable[DocumentSection]) -> Self:
        """Return a copy with other sections."""
        from dataclasses import replace

        return replace(self, sections=tuple(sections)[:MAX_SECTIONS])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-serialisable document, within the limits of a report's facts."""
        texts = ("kind", "title", "subject", "lead", "tone", "status", "created_at", "footer")
        return {
            **{name: getattr(self, name) for name in texts},
            "key_values": self.key_values.to_dict(),
            "sections": [section.to_dict() for section in self.sections],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Parse a document."""
        tone: Tone = data["tone"] if data["tone"] in _TONES else "none"
        texts = {
            name: str(data[name]) for name in ("kind", "title", "subject", "lead", "status", "created_at", "footer")
        }
        key_values = PairsBlock.parse(data["key_values"])
        sections = tuple(DocumentSection.from_dict(section) for section in data["sections"])
        return cls(**texts, tone=tone, key_values=key_values, sections=sections)
