"""A user's own code: one file with its neighbours, functions, or a command; found and described."""
