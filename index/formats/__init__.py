"""Readers: a file's bytes into its text, one function a format. Which file goes to which is in index.documents."""
