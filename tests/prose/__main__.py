"""Check the prose of docs, docstrings and commit messages: ``python -m tests.prose [FILE ...]``."""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.prose import rules

REPO = Path(__file__).resolve().parents[2]
PAGES = ("*.md", "docs/**/*.md", "benchmarks/**/*.md", "include/**/*.md", ".github/**/*.md")
CODE = ("provider/**/*.py", "include/**/*.py", "dags/**/*.py")


def files_to_check() -> list[Path]:
    """Return the Markdown pages and the Python files whose prose is held to the rules."""
    found = {path for pattern in (*PAGES, *CODE) for path in REPO.glob(pattern)}
    return sorted(path for path in found if path.name != "upgrading.md" and not {".venv", "build"} & set(path.parts))


def check_file(path: Path) -> Iterator[rules.Finding]:
    """Yield what is wrong with a file's prose."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from rules.check_markdown(text)
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if docstring := ast.get_docstring(node, clean=False):
            yield from rules.check_docstring(docstring, node.body[0].lineno)


def main() -> int:
    """Print what breaks a rule; return 1 when something does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="instead of all pages and modules")
    parser.add_argument("--commit-message", type=Path, help="check this commit message only")
    options = parser.parse_args()
    if options.commit_message:
        findings = [(options.commit_message, f) for f in rules.check_commit_message(options.commit_message.read_text())]
    else:
        findings = [(path, finding) for path in options.files or files_to_check() for finding in check_file(path)]
    for path, finding in findings:
        print(f"{path}:{finding.line}: {finding.rule}\n    {finding.text[:160]}")
    if findings:
        print(f"{len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
