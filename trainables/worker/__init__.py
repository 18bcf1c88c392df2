"""A trial on Ray."""
