"""Writes a user's file to search: from a template, or drafted from a script's options."""
