"""
SQLite lock timeout per Airflow process.

The API server writes its audit log inside its event loop, so a long wait there blocks all requests, also the one that
holds the lock. The other processes wait longer, since the scheduler exits when the database stays locked.
"""

from __future__ import annotations

import sys

connect_args = {"timeout": 5 if "api-server" in sys.argv else 60}
