"""A user's own training loop, a function or a program, as something that can be searched."""
