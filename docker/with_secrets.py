#!/usr/bin/env python
"""Start a program with the secrets that its environment refers to.

``<secret:name>`` in a setting is replaced by the content of ``/run/secrets/name``, so the compose file, the image and
``docker inspect`` only show the name. The secret is percent-encoded in a URL and escaped in JSON.
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
_SECRET_REFERENCE = re.compile(r"<secret:([a-z0-9_]+)>")


def fill_secrets(settings: Mapping[str, str], folder: Path = SECRETS) -> dict[str, str]:
    """Return the settings that refer to secrets, with the secrets filled in.

    :param settings: an environment.
    :param folder: folder with a file for each secret.
    :raises SystemExit: when a secret is missing.
    """
    return {name: _fill(name, value, folder) for name, value in settings.items() if _SECRET_REFERENCE.search(value)}


def _fill(name: str, value: str, folder: Path) -> str:
    def secret(match: re.Match[str]) -> str:
        path = folder / match[1]
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise SystemExit(f"{name} refers to the secret {match[1]}: {path}: {error.strerror}") from None
        if value.startswith("{"):
            return json.dumps(text)[1:-1]
        return quote(text, safe="") if "://" in value else text

    return _SECRET_REFERENCE.sub(secret, value)


def main() -> None:
    """Replace this process by the program on the command line."""
    if len(sys.argv) < 2:
        raise SystemExit("with-secrets PROGRAM [ARGUMENT ...]")
    try:
        os.execvpe(sys.argv[1], sys.argv[1:], {**os.environ, **fill_secrets(os.environ)})  # noqa: S606  # the purpose of this script
    except OSError as error:
        raise SystemExit(f"{sys.argv[1]}: {error.strerror}") from None


if __name__ == "__main__":
    main()
