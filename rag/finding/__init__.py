"""What a question gives word for word: things to be found exactly, and words that no document has, spelled anew."""
