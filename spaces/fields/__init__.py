"""Ready-made fields and groups that spaces are put together from."""
