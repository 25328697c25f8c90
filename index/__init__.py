"""Text into documents, paragraphs, passages, vectors and lexical entries, and the collection that holds them."""

from pathlib import Path

# The bundled sample: articles, what their paragraphs are, and questions on them.
SAMPLE = Path(__file__).resolve().parent / "sample"
