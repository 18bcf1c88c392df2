"""A search's folder, on a path or in an object store."""
