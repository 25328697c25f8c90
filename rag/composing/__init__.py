"""What an answer is made of: from what the reader found to lines, each cited, in the shape that the question asks for."""
