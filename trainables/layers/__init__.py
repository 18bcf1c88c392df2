"""Layers, networks and metrics that several tasks use."""
