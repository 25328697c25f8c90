"""Settings and questions into rankings, answers and verdicts, and these into figures. Saves and prints nothing."""
