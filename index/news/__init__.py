"""What a document says, by whom and when: quotations with their speakers, and statements with their dates."""
