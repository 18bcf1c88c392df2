"""The Optuna study of a search; no other package imports Optuna."""
