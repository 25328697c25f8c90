"""Formulas: rankings, answers, citations and probabilities into figures. Knows no files and no models."""
