"""HTML: pages, the chapters of books, and the markup that both and mails are made of."""
