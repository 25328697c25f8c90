"""What is done to a whole collection: check, reindex, export, import. Finds and reads no files."""
