"""A cluster's HTTP service from outside."""
