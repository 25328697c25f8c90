"""What an answer is made of: from what the reader found to cited lines, in the shape that the question asks for."""
