"""The files that lie beside a user's file: those that it imports, and those that travel with it."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from tuneyard.spaces.code.content import CodeFolder

FILE_BYTES = 1 << 20
"""A larger file does not travel."""

FOLDER_BYTES = 16 << 20
"""All files that travel have at most so many bytes together."""

MOST_FILES = 1000
"""No more files are looked at: the folder may be a home folder."""

_NOT_CODE = {"__pycache__", "node_modules", "site-packages", "mlruns", "mlartifacts", "build"}


def imported_files(path: Path) -> list[str]:
    """The file and all files of its folder that it imports, by their paths in the folder.

    Imports are read in the source, wherever they stand, so that those within functions count.

    Raises:
        SyntaxError: One of the files is not Python.
    """
    found: dict[str, None] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(path.parent).as_posix()
        if name not in found:
            found[name] = None
            waiting += _imports_of(file, path.parent)
    return sorted(found)


def _imports_of(file: Path, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        # where the text can't even be decoded, Python does not name the file
        error.filename = str(file)
        raise
    for node in ast.walk(tree):
        names: list[str] = []
        base = folder
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = file.parents[node.level - 1] if node.level else folder
            module = [node.module] if node.module else []
            names = [".".join([*module, alias.name]) for alias in node.names]
        for name in names:
            yield from _module_files(name, base)


def _module_files(name: str, base: Path) -> Iterator[Path]:
    """The files that are run when a dotted name is imported from a folder."""
    place = base
    for part in name.split("."):
        place = place / part
        for file in (place.with_name(f"{part}.py"), place / "__init__.py"):
            if file.is_file():
                yield file


def read_folder(folder: Path, code: list[str]) -> CodeFolder:
    """The files of a folder, and of those in it, that travel.

    Args:
        folder: The folder; hidden files, environments and caches in it are passed over.
        code: Paths in it that travel before all others, whatever their size.
    """
    files = {name: (folder / name).read_bytes() for name in code}
    left_out: list[str] = []
    total = sum(map(len, files.values()))
    for file in _walk(folder):
        name = file.relative_to(folder).as_posix()
        if name in files:
            continue
        size = file.stat().st_size
        if size > FILE_BYTES or total + size > FOLDER_BYTES or len(files) >= MOST_FILES:
            left_out.append(name)
            continue
        try:
            files[name] = file.read_bytes()
        except OSError:
            left_out.append(name)
            continue
        total += size
    return CodeFolder(folder, files, tuple(code), tuple(left_out))


def _walk(folder: Path) -> Iterator[Path]:
    """At most `MOST_FILES` regular files, those nearest to the top first."""
    seen, level = 0, [folder]
    while level:
        below: list[Path] = []
        for place in level:
            try:
                entries = sorted(os.scandir(place), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir():
                    if _is_code(Path(entry.path)):
                        below.append(Path(entry.path))
                elif entry.is_file():
                    seen += 1
                    if seen > MOST_FILES:
                        return
                    yield Path(entry.path)
        level = below


def _is_code(folder: Path) -> bool:
    """Whether a folder may hold what a file needs, rather than an environment or results."""
    is_environment = (folder / "pyvenv.cfg").is_file()
    is_searches = any(folder.glob("*/spec.yaml"))
    return not (folder.name in _NOT_CODE or is_environment or is_searches)
