"""The tasks, one file each: its space, and what is said of it."""
