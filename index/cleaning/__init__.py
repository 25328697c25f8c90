"""What each paragraph of a document is: body, or furniture of which kind. Knows neither files nor the collection."""
