"""The best models in MLflow's registry: registered, promoted, loaded to predict."""
