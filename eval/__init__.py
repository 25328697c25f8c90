"""Answers and rankings into scores."""
