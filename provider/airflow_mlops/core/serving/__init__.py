"""Serving: what a request may ask, what it is answered, and which container answers it."""
