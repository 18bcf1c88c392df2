"""What a search knows of its trials."""
