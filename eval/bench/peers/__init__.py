"""Other systems on the same task as ours: same model, same texts, same questions, each in an environment of its own."""
