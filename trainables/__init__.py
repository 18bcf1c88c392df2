"""Tasks and the training loop: from a config to a trained, evaluated model."""
