"""Whether a text bears a claim out. Does not know how the model was trained, or where claims and texts come from."""
