"""What the tests of drafts share: the scripts, and a way to import a file."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_draft_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


@pytest.fixture
def import_file() -> Callable[[Path], ModuleType]:
    """Imports a file by its path."""
    return _import_file


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that takes `script_path` with each script."""
    if "script_path" in metafunc.fixturenames:
        scripts = sorted((Path(__file__).parent / "scripts").glob("*.py"))
        metafunc.parametrize("script_path", scripts, ids=[path.stem for path in scripts])
