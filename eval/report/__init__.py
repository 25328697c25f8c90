"""Results files, the suite that fills them, and the tables and pictures made of them. Measures nothing itself."""
