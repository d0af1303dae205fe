"""Dates and times in words: read into symbols, and resolved by code, which asks where readings diverge. Pure."""
