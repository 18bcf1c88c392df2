"""The errors of a user's own code: where in it, and its traceback without frames of ours."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from types import FrameType

from tuneyard.spaces.language.errors import SpaceError

_OUR_MODULES = ("tuneyard.", "importlib.", "_frozen_importlib")
_LIBRARIES = (*(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")), "<frozen")


class CodeError(SpaceError):
    """A user's file cannot be searched as it is; the message is one line.

    Attributes:
        details: What a terminal shows above the line: what Python would print of an error that the
            code raised, without frames of ours, or a difference; may be empty.
    """

    def __init__(self, line: str, details: str = "") -> None:
        super().__init__(line)
        self.details = details

    def __reduce__(self) -> tuple[type[CodeError], tuple[str, str]]:
        return CodeError, (str(self), self.details)


def raised(error: BaseException) -> CodeError:
    """An error that a user's code raised, as one line that says where.

    Args:
        error: As it was caught.
    """
    if isinstance(error, CodeError):
        return error
    if isinstance(error, SyntaxError):
        line = f":{error.lineno}" if error.lineno else ""
        place = f"{Path(error.filename or 'the code').name}{line}: "
        return CodeError(f"{place}{type(error).__name__}: {error.msg}", own_traceback(error))
    return CodeError(f"{_place(error)}{_said(error)}", own_traceback(error))


def own_traceback(error: BaseException) -> str:
    """What Python would print of an error, without frames of ours."""
    shown = traceback.TracebackException(type(error), error, error.__traceback__)
    frames = zip(shown.stack, traceback.walk_tb(error.__traceback__), strict=True)
    kept = [summary for summary, (frame, _) in frames if not _is_ours(frame)]
    shown.stack = traceback.StackSummary.from_list(kept)
    return "".join(shown.format())


def _place(error: BaseException) -> str:
    """The last line of the user's own code on the way to the error."""
    places = [
        f"{Path(frame.f_code.co_filename).name}:{line}: "
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not (_is_ours(frame) or frame.f_code.co_filename.startswith(_LIBRARIES))
    ]
    return places[-1] if places else ""


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(_OUR_MODULES)


def _said(error: BaseException) -> str:
    """The error's class and message in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, SpaceError):
        return text
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return f"SystemExit: the code called sys.exit({error.code!r})"
    return f"{name}: {text}" if text else name
