"""A question into hits, evidence and an answer whose every sentence is cited."""
