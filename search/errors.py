"""The error of a search that can't be as it was asked for, and the first line of any error."""


class SearchError(Exception):
    """One line for the person who asked: what, where, the rule, the value, the remedy."""


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line; empty where it says nothing."""
    return str(error).strip().partition("\n")[0]
