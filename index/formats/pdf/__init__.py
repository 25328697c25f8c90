"""PDF and pictures of pages: where their letters stand, and what is read from that."""
