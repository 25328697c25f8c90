"""Texts into vectors: the bundled encoder and any other, and the engine that runs them. Knows nothing of documents."""
