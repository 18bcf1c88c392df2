"""A search's trials on Ray Tune; no other package imports it."""
