"""The space language: types and domains of a space, and its configs."""
