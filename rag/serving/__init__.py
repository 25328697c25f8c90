"""The HTTP server: who may ask, who waits, and what is replied. Does not know how a question is answered."""
