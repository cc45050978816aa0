#!/usr/bin/env python
"""Start a program whose settings name secrets: put the secrets in, in its environment alone.

A setting names a secret as ``<secret:name>``, and the file ``/run/secrets/name`` holds it. So neither the compose
file, nor the image, nor ``docker inspect`` shows more than the name. In a URL the secret is percent-encoded, in JSON
it is escaped.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

SECRETS = Path("/run/secrets")
_NAMED = re.compile(r"<secret:([a-z0-9_]+)>")


def filled(settings: Mapping[str, str], folder: Path = SECRETS) -> dict[str, str]:
    """Give the settings that name secrets, with the secrets in them.

    :param settings: an environment.
    :param folder: where each secret is a file.
    :raises SystemExit: when a secret is not there; says which.
    """
    return {name: _filled(name, value, folder) for name, value in settings.items() if _NAMED.search(value)}


def _filled(name: str, value: str, folder: Path) -> str:
    def secret(found: re.Match[str]) -> str:
        path = folder / found[1]
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise SystemExit(f"{name} names the secret {found[1]}: {path}: {error.strerror}") from None
        if value.startswith("{"):
            return json.dumps(text)[1:-1]
        return quote(text, safe="") if "://" in value else text

    return _NAMED.sub(secret, value)


def main() -> None:
    """Become the program that the command line names."""
    if len(sys.argv) < 2:
        raise SystemExit("with-secrets PROGRAM [ARGUMENT ...]")
    try:
        os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, **filled(os.environ)})  # noqa: S606  # that is its purpose
    except OSError as error:
        raise SystemExit(f"{sys.argv[1]}: {error.strerror}") from None


if __name__ == "__main__":
    main()
