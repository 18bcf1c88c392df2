"""The error of a search that can't be as it was asked for, and the first line of any error."""


class SearchError(Exception):
    """One line for the person who asked: what, where, the rule, the value, the remedy."""


MAX_LINE = 1_000
"""Characters of an error's line."""


def short_line(text: str) -> str:
    """An error's text as a terminal and an answer over HTTP show it.

    Args:
        text: It may quote what somebody else wrote.

    Returns:
        One line of printable characters, at most `MAX_LINE`: the middle of a longer one is left
        out, as the rule stands at its beginning and the remedy at its end.
    """
    line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in " ".join(text.split()))
    if len(line) <= MAX_LINE:
        return line
    begin, end = MAX_LINE * 3 // 4, MAX_LINE // 4 - len(" ... ")
    return f"{line[:begin]} ... {line[-end:]}"


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line; empty where it says nothing."""
    return str(error).strip().partition("\n")[0]
