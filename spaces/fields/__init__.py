"""Fields and groups of fields that several spaces share."""
