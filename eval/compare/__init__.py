"""Settings side by side on the same questions, in the terminal and as a page. Computes no measure of its own."""
