"""Snapshots, contracts, validation, profiles and the engines that compute them."""
