"""Text into documents, paragraphs, passages, vectors and lexical entries, and the collection that holds them."""
