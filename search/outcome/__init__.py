"""What a Python or notebook user gets back from a search: frames, figures, the model, a summary."""
