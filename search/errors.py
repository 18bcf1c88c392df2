"""The error of a search that can't be as it was asked for."""


class SearchError(Exception):
    """One line for the person who asked: what, where, the rule, the value, the remedy."""
