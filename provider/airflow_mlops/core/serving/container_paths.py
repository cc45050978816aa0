"""Paths, port and user id in a serving container."""

from __future__ import annotations

SERVING_DIR = "/srv/serving"
SETTINGS_FILE, MODEL_DIR = "serving.json", "model"
SECRETS_DIR = "/run/serving"
TOKEN_FILE, LOG_URL_FILE = "token", "log_url"
PORT = 8080
USER_ID = 65532
