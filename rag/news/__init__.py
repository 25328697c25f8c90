"""What a collection says as news: who said what, and what happened when, each of it cited."""
