"""Layers and measures that several models use."""
