"""The command line: its options, what it prints, and the chat. Decides nothing that the Python functions do not."""
