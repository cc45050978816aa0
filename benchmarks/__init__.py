"""Measurements that the tests are too small for: peers side by side, and how often drift checks cry wolf."""
