"""Writes the file that `tuneyard new --from` drafts from a script's options."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import replace

from tuneyard.search.draft.argparse_options import Script
from tuneyard.search.draft.fields import Field, draft_field
from tuneyard.search.draft.fixed import words_of
from tuneyard.search.draft.option import Option

WIDTH = 100
"""The longest line, where a name or a text of the script isn't longer."""

Drafted = tuple[tuple[Option, Field], ...]

_HEAD = '''"""The options of {name}, as a space to search."""

{imports}


class Space(SearchSpace):
    """The options of {name}.

    The defaults are the script's own: they are the baseline, which the first trial trains. A field
    with a domain is searched and every other keeps its value. The domains are suggestions.
    """

{fields}


# What ranks the trials: "max METRIC" or "min METRIC", where METRIC is a name that `train` gives to
# trial.report. Let it measure the validation data: the test data are for the end.
objective = "min loss"


def train(config: Space, trial: Trial) -> None:
    """Trains one config. What {name} does with its options goes here.

    The script reads its options in these places:

{uses}
    """
    # 1. Build the data, the model and the optimizer as {name} does, on trial.device.
    # 2. Name what an interrupted trial must find again:
    #        trial.keep(model=model, optimizer=optimizer)
    # 3. Train in this loop, which goes on after a resume, and ends when the trial is pruned:
    #        for epoch in trial.epochs({epochs}):
    #            ...
    #            trial.report(loss=loss)
    # `tuneyard new` without --from writes a whole example, also with load_data, test and export.
    raise NotImplementedError("move what {name} does with its options into train")
'''


def draft(script: Script) -> Drafted:
    """The field of each option, no two of one name."""
    drafted: list[tuple[Option, Field]] = []
    taken: set[str] = set()
    for option in script.options:
        field = draft_field(option)
        while field.name in taken:
            field = replace(field, name=f"{field.name}_")
        taken.add(field.name)
        drafted.append((option, field))
    return tuple(drafted)


def write_draft(script: Script, drafted: Drafted) -> str:
    """The text of the file: the space, the objective, and where the script's body goes."""
    fields = "\n".join(line for option, field in drafted for line in _field(option, field))
    left = "\n".join(_left(script))
    return _HEAD.format(
        name=_plain(script.name),
        imports=_imports(drafted),
        fields="\n\n".join(part for part in (fields, left) if part),
        uses="\n".join(_uses(script, drafted)),
        epochs=_epochs(drafted),
    )


def table(script: Script, drafted: Drafted) -> list[tuple[str, str, str, str]]:
    """Rows for the terminal: option, type, default and what became of it."""
    rows = []
    for option, field in drafted:
        names = ", ".join(option.names) or f"set_defaults({option.dest})"
        kind = f"list of {option.type}" if option.many else option.type
        became = f"searched: {field.domain}" if field.domain else field.comment
        rows.append((names, kind, field.default, became))
    for item in script.unread:
        rows.append((item.what, "", "", f"left out, line {item.line}: {item.reason}"))
    return rows


def _imports(drafted: Drafted) -> str:
    used = " ".join(f"{field.annotation} {field.default}" for _, field in drafted)
    words = set(re.findall(r"\w+", re.sub(r'"[^"]*"', "", used)))
    lines = ["from pathlib import Path"] if "Path" in words else []
    typed = [name for name in ("Annotated", "Literal") if name in words]
    lines += [f"from typing import {', '.join(typed)}"] if typed else []
    lines += [""] if lines else []
    spaces = [name for name in ("Float", "Int") if name in words]
    lines.append(f"from tuneyard.spaces import {', '.join([*spaces, 'SearchSpace'])}")
    return "\n".join([*lines, "from tuneyard.trainables import Trial"])


def _field(option: Option, field: Field) -> Iterator[str]:
    """A field with its origin beside it, or above it where the line would be too long."""
    yield from _comment(f"{option.title}: {option.help}".rstrip(": "))
    line = f"    {field.name}: {field.annotation} = {field.default}"
    if len(f"{line}  # {field.comment}") <= WIDTH:
        yield f"{line}  # {field.comment}"
        return
    yield from _comment(field.comment)
    choices = _choices(field.annotation)
    if len(line) > WIDTH and choices:
        yield f"    {field.name}: Literal["
        yield from (f"        {choice}," for choice in choices)
        yield f"    ] = {field.default}"
    else:
        yield line


def _choices(annotation: str) -> list[str]:
    """The source of each choice of a Literal with several; empty for any other annotation."""
    match ast.parse(annotation, mode="eval").body:
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=elements)):
            return [ast.get_source_segment(annotation, element) or "" for element in elements]
    return []


def _left(script: Script) -> Iterator[str]:
    if script.unread:
        yield from _comment("Not in this space, by the script's lines:")
        for item in script.unread:
            yield from _comment(f"  line {item.line}: {item.what}: {item.reason}")


def _comment(text: str) -> Iterator[str]:
    return iter(_wrapped("".join(_printable(text)), "    # "))


def _printable(text: str) -> Iterator[str]:
    return (letter if letter.isprintable() else " " for letter in text)


def _plain(text: str) -> str:
    """A name of the script's for a docstring, which a quote or a backslash would end or change."""
    return re.sub(r'["\\]', "_", "".join(_printable(text)))


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of at most `WIDTH`; an indented text stays so, and no word is broken."""
    own = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text.lstrip(),
        WIDTH,
        initial_indent=indent + own,
        subsequent_indent=indent + own + ("  " if own else ""),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _uses(script: Script, drafted: Drafted) -> Iterator[str]:
    """A line for each option: the script's expression, that of the draft, and where it is read."""
    left = max((len(option.dest) for option, _ in drafted), default=0)
    right = max((len(field.name) for _, field in drafted), default=0)
    for option, field in drafted:
        lines = ", ".join(map(str, script.uses.get(option.dest, ())))
        where = f"  line{'s' if ',' in lines else ''} {lines}" if lines else ""
        text = f"args.{_plain(option.dest):{left}} -> config.{field.name:{right}}{where}".rstrip()
        yield from _wrapped(text, " " * 8)


def _epochs(drafted: Drafted) -> str:
    for option, field in drafted:
        if (
            option.type == "int"
            and option.default
            and {*words_of(option.dest)}
            & {
                *("epochs", "epoch", "niter", "iterations", "episodes"),
            }
        ):
            return f"config.{field.name}"
    return "20"
