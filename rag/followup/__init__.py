"""Follow-ups: what a question takes over from the turns before it, by rules of English."""
