"""A search in MLflow: what is written there, and what is read back."""
