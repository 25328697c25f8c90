"""Answers and rankings into scores."""

# Questions of an evaluation, where not all are asked for.
SAMPLE_SIZE = 1000
