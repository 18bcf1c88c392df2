"""Code shared by the problems of several tasks."""
