"""Python files loaded by their paths, each under a module name of its own."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from tuneyard.spaces.code.errors import CodeError, raised

PREFIX = "_tuneyard_"
"""The names of users' files as modules begin with it."""

_entered: list[Path] = []


def load_file(path: Path, name: str) -> ModuleType:
    """The module of a file; it is run once a process.

    Args:
        path: The file.
        name: The name of the module, the same in each process.

    Raises:
        CodeError: The file raised an error, or is not Python.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # what the file defines is pickled by the module's name, and Pydantic looks up annotations there
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    # the file may call sys.exit, too
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise raised(error) from None
    return module


def module_name(path: Path, digest: str) -> str:
    """The name of a file's module: that of no other file, nor of the file with another content.

    Args:
        path: The file.
        digest: The sha256 of its content.
    """
    return f"{PREFIX}{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{digest[:12]}"


def enter_folder(folder: Path, names: list[str]) -> None:
    """Lets imports find a folder's files, as they are now; a folder from before is left.

    It is the last folder that is looked up in, so that no file takes the place of an installed
    package.

    Args:
        folder: The folder.
        names: The paths of the files in it that are imported.

    Raises:
        CodeError: A file has the name of an installed module, which would be imported instead.
    """
    for known in [*_entered, folder]:
        for name, module in list(sys.modules.items()):
            if not name.startswith(PREFIX) and _comes_from(name, module, known):
                del sys.modules[name]
        sys.path[:] = [place for place in sys.path if place != str(known)]
    _entered.clear()
    importlib.invalidate_caches()
    for name in names:
        top = name.removesuffix("/__init__.py").removesuffix(".py")
        if "/" not in top and _is_installed(top, folder):
            raise CodeError(
                f"{name} beside the file has the name of the installed module {top!r}, which "
                "would be imported in its place; rename it"
            )
    _entered.append(folder)
    sys.path.append(str(folder))


def _is_installed(top: str, folder: Path) -> bool:
    """Whether there is a module of a name outside a folder."""
    if top in sys.modules:
        return True
    before = list(sys.path)
    sys.path[:] = [place for place in before if Path(place or ".").resolve() != folder]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    finally:
        sys.path[:] = before
    # a folder without a file is a namespace: no module
    return spec is not None and spec.origin is not None


def _comes_from(name: str, module: ModuleType, folder: Path) -> bool:
    """Whether a folder's own file was imported: an environment may lie in the folder, too."""
    file = getattr(module, "__file__", None)
    place = folder.joinpath(*name.split("."))
    return file in (f"{place}.py", f"{place / '__init__.py'}")
