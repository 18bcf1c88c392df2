"""What the problems of several tasks share."""
