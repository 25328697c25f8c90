"""Office Open XML: the package of parts, Word documents and slides, and what both of them hold."""
