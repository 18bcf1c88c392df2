"""The tasks, one file per task, with its space and its description."""
