"""Hits into candidates for an answer: our own reader. Does not know how it was trained."""
