"""Rules for the prose of docs, docstrings and commit messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

MAX_WORDS = 30
MAX_SUBJECT = 72

# Words of the project's first, private language; each has a standard term (docs/glossary.md).
BANNED: dict[str, str] = {
    r"not_judged": "inconclusive",
    r"mends?|mended|mending": "hint, fix or repair",
    r"reigns?": "champion period",
    r"nursery|buried|bury|born": "fork server, worker",
    r"parse_bool|unsaid": "parse_bool, default",
    r"whoever|whatever judges": "name the subject",
    r"for want of": "without",
    r"nobody told|is told|was told": "is configured, is reported",
    r"goes on with|went on with": "resumes",
    r"hold(?:s|ing)? (?:it )?against|held against": "compare with",
    r"is no more|are no more": "no longer exists",
    r"put right": "repair",
}
_BANNED = [(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), better) for pattern, better in BANNED.items()]
OPENINGS = {"Give": "Return", "Gives": "Return", "Say": "Return", "Tell": "Report", "Hold": "Compare"}
# Words that stay capitalised in a heading: names, and terms that are written so.
_NAMES = re.compile(r"^(?:[A-Z0-9]{2,}\w*|I|[A-Z]\w*[A-Z]\w*|\d.*|v\d.*)$")
PROPER = {
    "Airflow", "Alembic", "Arrow", "Bash", "Celery", "Chromium", "Compose", "Dask", "Docker", "Evidently", "Git",
    "Grafana",
    "Jinja", "Kedro", "Keras", "Kubernetes", "Linux", "Markdown", "Optuna", "Parquet", "Polars", "Prometheus",
    "Python", "Ray", "Redis", "Sagemaker", "Titanic", "Unreleased", "Vale", "Wilson",
}  # fmt: skip


class Finding(NamedTuple):
    """A line that breaks a rule."""

    line: int
    rule: str
    text: str


def check_sentence(sentence: str, line: int) -> Iterator[Finding]:
    """Yield what is wrong with one sentence: its length, banned words."""
    words = re.findall(r"[\w$%][\w'’./:%$-]*", sentence)
    if len(words) > MAX_WORDS:
        yield Finding(line, f"{len(words)} words; at most {MAX_WORDS}", sentence)
    for pattern, better in _BANNED:
        if match := pattern.search(sentence):
            yield Finding(line, f"{match.group(0)!r}: write {better}", sentence)


def sentences(text: str) -> Iterator[str]:
    """Split a paragraph into sentences."""
    text = re.sub(r"\b(e\.g|i\.e|etc|vs|cf|al|Dr|no)\.", lambda m: m.group(0).replace(".", "․"), text)
    for sentence in re.split(r"(?<=[.!?:;])[\"')\]*_]*\s+(?=[^\s])", text):
        if sentence := sentence.strip():
            yield sentence


def check_prose(text: str, line: int = 1) -> Iterator[Finding]:
    """Yield what is wrong with a paragraph.

    :param text: plain text without markup.
    :param line: the number of its first line.
    """
    for sentence in sentences(" ".join(text.split())):
        yield from check_sentence(sentence, line)


def check_markdown(text: str) -> Iterator[Finding]:
    """Yield what is wrong with a Markdown page: paragraphs, list items, table cells and headings."""
    text = re.sub(r"<!--.*?-->", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.DOTALL)
    fence: str | None = None
    paragraph: list[str] = []
    start = 1
    for number, raw in enumerate([*text.splitlines(), ""], start=1):
        stripped = raw.strip()
        if match := re.match(r"^(```+|~~~+)", stripped):
            fence = None if fence and stripped.startswith(fence) else fence or match.group(1)
            stripped = ""
        elif fence or (raw.startswith("    ") and not paragraph):
            continue
        breaks = not stripped or re.match(r"^([-*+>]|\d+\.|\||#|!\[)", stripped)
        if breaks and paragraph:
            yield from check_prose(_without_markup(" ".join(paragraph)), start)
            paragraph = []
        if stripped.startswith("#"):
            yield from check_heading(stripped, number)
        elif stripped.startswith("|"):
            for cell in stripped.strip("|").split("|"):
                yield from check_prose(_without_markup(cell), number)
        elif stripped:
            if not paragraph:
                start = number
            paragraph.append(re.sub(r"^([-*+>]|\d+\.)\s+", "", stripped))


def check_heading(heading: str, line: int) -> Iterator[Finding]:
    """Yield a heading in title case: only its first word and names are capitalised."""
    words = _without_markup(heading.lstrip("# ")).split()
    wrong = [
        word
        for before, word in pairwise(words)
        if word[:1].isupper()
        and not before.endswith((":", ".", "?"))
        and not _NAMES.match(word.strip("(),:?!'"))
        and word.strip("(),:?!'\"").removesuffix("'s") not in PROPER
    ]
    if wrong:
        yield Finding(line, f"title case: {', '.join(wrong)}", heading)


def check_docstring(text: str, line: int) -> Iterator[Finding]:
    """Yield what is wrong with a docstring: its opening, its sentences."""
    opening = text.split(maxsplit=1)[0].strip(",.") if text.strip() else ""
    if opening in OPENINGS:
        yield Finding(line, f"opens with {opening!r}: write {OPENINGS[opening]}", text.strip().splitlines()[0])
    for offset, block in _blocks(text):
        yield from check_prose(_without_markup(block), line + offset)


def check_commit_message(text: str) -> Iterator[Finding]:
    """Yield what is wrong with a commit message: its subject's length and end, a missing blank line."""
    lines = [row for row in text.splitlines() if not row.startswith("#")]
    subject = lines[0] if lines else ""
    if not subject.strip():
        yield Finding(1, "the subject is empty", subject)
    if len(subject) > MAX_SUBJECT:
        yield Finding(1, f"the subject has {len(subject)} characters; at most {MAX_SUBJECT}", subject)
    if subject.endswith("."):
        yield Finding(1, "the subject ends with a full stop", subject)
    if len(lines) > 1 and lines[1].strip():
        yield Finding(2, "a blank line is missing after the subject", lines[1])


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line offset, text) of the paragraphs and fields of a docstring; literal blocks are left out."""
    block: list[str] = []
    start = 0
    literal = False
    for offset, raw in enumerate([*text.splitlines(), ""]):
        stripped = raw.strip()
        if literal and (not stripped or raw.startswith("        ")):
            continue
        literal = False
        if block and (not stripped or stripped.startswith((":", "- ", "* ", ">>>"))):
            yield start, " ".join(block)
            literal = block[-1].endswith("::")
            block = []
        if stripped and not stripped.startswith(">>>"):
            if not block:
                start = offset
            block.append(re.sub(r"^:(?:param|raises|returns?|ivar)\b[^:]*:", "", stripped))


def _without_markup(text: str) -> str:
    """Return text without inline code, links, emphasis and roles."""
    text = re.sub(r":\w+:`[^`]*`", "X", text)
    text = re.sub(r"``?[^`]*``?", "X", text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*_]{1,2}(\S(?:.*?\S)?)[*_]{1,2}", r"\1", text)
