"""What a chat model writes of the evidence, checked sentence by sentence. Does not know how evidence was found."""
