"""Where things lie in a serving container."""

from __future__ import annotations

FOLDER = "/srv/serving"
SETTINGS, MODEL = "serving.json", "model"
SECRETS = "/run/serving"
TOKEN, LOG_URL = "token", "log_url"
PORT = 8080
USER_ID = 65532
