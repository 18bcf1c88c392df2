"""The language in which spaces are declared, and the operations on spaces and configs."""
