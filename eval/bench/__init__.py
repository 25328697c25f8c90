"""Measurements of speed and load, and of the systems beside ours; each is run by itself and prints one JSON object."""
