"""What a search found, and how it and its trials are shown."""
