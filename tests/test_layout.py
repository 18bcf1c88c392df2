"""Who may import whom; see `test_packages` for what is packaged and how long a file may be."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("datasets", "search", "spaces", "trainables")

SPACES = "spaces spaces.language spaces.objective spaces.fields"
LEAVES = "search.errors search.frozen search.access search.retry"

# A room is a package or a module of `spaces`, `trainables` or `search`; `datasets` is one room.
# room -> the rooms that it may import, wherever in a file. All of them stand above it.
ROOMS: dict[str, str] = {
    "spaces.language": "",
    "spaces": "spaces.language",
    "spaces.objective": "",
    "spaces.fields": "spaces.language spaces",
    "spaces.description": SPACES,
    "spaces.tasks": f"{SPACES} spaces.description",
    "spaces.code": f"{SPACES} spaces.description",
    "spaces.registry": f"{SPACES} spaces.description spaces.tasks spaces.code",
    "datasets": "",
    "trainables.problem": "datasets",
    "trainables.searchable": f"{SPACES} spaces.description datasets",
    "trainables.task": f"{SPACES} spaces.description spaces.registry datasets trainables.problem",
    "trainables.training": f"{SPACES} datasets trainables.problem trainables.searchable "
    "trainables.task",
    "trainables.layers": "spaces.fields spaces.tasks datasets trainables.problem",
    "trainables.problems": f"{SPACES} datasets trainables.problem trainables.task "
    "trainables.layers",
    "trainables.tasks": f"{SPACES} spaces.tasks datasets trainables.problem trainables.task "
    "trainables.training trainables.layers trainables.problems",
    "trainables.script": f"{SPACES} spaces.description spaces.code datasets "
    "trainables.searchable trainables.training",
    "trainables.find": "spaces.description spaces.registry trainables.searchable trainables.task "
    "trainables.training trainables.script",
    "trainables.checks": f"{SPACES} spaces.description spaces.code datasets trainables.searchable "
    "trainables.training trainables.script",
    "trainables": "trainables.problem trainables.task trainables.script",
    "trainables.worker": f"{SPACES} spaces.description spaces.code spaces.registry datasets "
    "trainables.searchable trainables.training trainables.find",
    "search.home": "",
    "search.errors": "",
    "search.frozen": "",
    "search.access": "",
    "search.retry": "",
    "search.spec": f"{SPACES} spaces.description spaces.registry trainables.worker {LEAVES}",
    "search.trials": f"{SPACES} {LEAVES}",
    "search.storage": f"{SPACES} trainables.training {LEAVES} search.trials",
    "search.study": f"{SPACES} trainables.worker {LEAVES} search.spec search.trials search.storage",
    "search.results": f"{SPACES} trainables.worker {LEAVES} search.spec search.trials",
    "search.tracking": f"{SPACES} spaces.description spaces.registry datasets "
    f"trainables.training trainables.worker {LEAVES} search.spec search.trials search.storage "
    "search.results",
    "search.tune": f"{SPACES} spaces.registry datasets trainables.searchable trainables.training "
    f"trainables.worker {LEAVES} search.spec search.trials search.storage search.study",
    "search.models": f"{SPACES} spaces.registry trainables.searchable trainables.task "
    f"trainables.find {LEAVES} search.storage search.results search.tracking",
    "search.stages": f"{SPACES} spaces.code spaces.registry datasets trainables.searchable "
    f"trainables.training trainables.find trainables.worker {LEAVES} search.spec search.trials "
    "search.storage search.study "
    "search.results search.tracking search.tune search.models",
    "search.jobs": f"{LEAVES} search.tracking",
    "search.api": f"{SPACES} spaces.registry {LEAVES} search.spec search.trials search.storage "
    "search.study search.results search.tracking search.tune search.stages",
    "search.outcome": f"{SPACES} trainables.worker {LEAVES} search.spec search.trials "
    "search.storage search.results search.tracking search.models",
    "search.client": f"{LEAVES} search.spec search.trials search.results",
    "search.service": f"{SPACES} spaces.registry datasets {LEAVES} search.spec "
    "search.results search.tracking search.models search.jobs",
    "search.draft": f"{SPACES} spaces.description datasets trainables {LEAVES}",
    "search.python": f"{SPACES} spaces.code spaces.registry {LEAVES} search.spec "
    "search.results search.outcome search.api",
    "search.cli": f"{SPACES} spaces.description spaces.code spaces.registry datasets "
    f"trainables.find trainables.checks {LEAVES} search.spec search.results search.tracking "
    "search.models search.api search.client search.service search.draft",
    "search": "search.home search.errors search.spec search.results search.outcome search.python",
}

# package or module -> the libraries that it and all below it may import, beside the standard
# library. A name stands for itself and everything under it.
LIBRARIES: dict[str, str] = {
    "spaces": "pydantic pydantic_core",
    "spaces.code.functions": "cloudpickle",
    "datasets": "anyascii numpy pooch sklearn torchvision.datasets",
    "datasets.image_folder": "PIL",
    "trainables": "numpy sklearn.metrics torch torchvision",
    "trainables.script.data": "joblib.hashing",
    "trainables.script.lightning": "lightning.pytorch",
    "trainables.script.transformers": "transformers",
    "trainables.worker": "ray",
    "search.frozen": "pydantic",
    "search.spec": "pydantic yaml",
    "search.spec.samplers": "optuna",
    "search.spec.schedulers": "ray.tune",
    "search.storage": "pyarrow",
    "search.study": "optuna sqlalchemy.pool",
    "search.results": "rich",
    "search.results.notebook": "IPython",
    "search.tracking": "mlflow pydantic",
    "search.tune": "ray",
    "search.models": "mlflow numpy skops torch",
    "search.outcome": "mlflow numpy optuna pandas plotly torch",
    "search.stages": "torch",
    "search.jobs": "ray.exceptions.AuthenticationError ray.job_submission",
    "search.client": "httpx pydantic",
    "search.service": "fastapi pydantic pydantic_core starlette",
    "search.service.limits": "limits",
    "search.service.metrics": "prometheus_client",
    "search.service.server": "uvicorn",
    "search.draft.templates": "numpy sklearn torch",
    "search.cli": "pydantic typer",
}


# --- the tree


@cache
def modules(top: str) -> dict[str, Path]:
    """The Python files of one of the four folders by their dotted names, without `tuneyard.`."""
    found = {}
    for path in sorted((ROOT / top).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def everything() -> dict[str, Path]:
    """All modules of the four folders."""
    return {name: path for top in PACKAGES for name, path in modules(top).items()}


def under(name: str, place: str) -> bool:
    """Whether a dotted name is a place, or below it."""
    return f"{name}.".startswith(f"{place}.")


def room(module: str) -> str:
    """The room that a module of ours is in."""
    return "datasets" if under(module, "datasets") else ".".join(module.split(".")[:2])


# --- imports


def imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yields (line, dotted name) of every import in ``source``, wherever in the file it stands."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield node.lineno, alias.name
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package.split(".")[: 1 - level or None] if level else []
                for alias in names:
                    yield node.lineno, ".".join([*base, *([module] if module else []), alias.name])
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


@cache
def imported(module: str) -> list[tuple[int, str]]:
    """What a module of ours imports, line by line."""
    path = everything()[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return list(imports(path.read_text(), f"tuneyard.{package}"))


def home(name: str) -> str | None:
    """The module of ours which an imported name means or is defined in; None for a library."""
    if not under(name, "tuneyard"):
        return None
    known = everything()
    name = name.removeprefix("tuneyard.")
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def is_allowed(module: str, name: str) -> bool:
    """Whether a module of ours may import a dotted name."""
    target = home(name)
    if target is not None:
        own = room(module)
        return room(target) in {own, *ROOMS.get(own, "").split()}
    libraries = [
        library
        for place, libraries in LIBRARIES.items()
        if under(module, place)
        for library in libraries.split()
    ]
    return name.split(".")[0] in sys.stdlib_module_names or any(
        under(name, library) for library in libraries
    )


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """A way through the graph that ends where it began; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def module_graph() -> dict[str, set[str]]:
    """For each module of ours, the others that it imports."""
    return {
        module: {target for _, name in imported(module) if (target := home(name))} - {module}
        for module in everything()
    }


def room_graph() -> dict[str, set[str]]:
    """For each room, the others that it imports."""
    graph: defaultdict[str, set[str]] = defaultdict(set)
    for module, targets in module_graph().items():
        graph[room(module)] |= {room(target) for target in targets} - {room(module)}
    return graph


@pytest.mark.parametrize("top", PACKAGES)
def test_imports_are_in_the_table(top: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for module, path in modules(top).items()
        for line, name in imported(module)
        if not is_allowed(module, name)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_holds_the_rooms_that_there_are() -> None:
    rooms = {room(module) for module in everything()}
    assert rooms == set(ROOMS)
    assert set(LIBRARIES) <= set(everything())


def test_the_table_goes_one_way() -> None:
    above: set[str] = set()
    for name, others in ROOMS.items():
        assert set(others.split()) <= above, f"{name} may import what stands above it alone"
        above.add(name)


def test_rooms_import_in_no_circle() -> None:
    assert circle(room_graph()) == []


def test_modules_import_in_no_circle() -> None:
    assert circle(module_graph()) == []


@pytest.mark.parametrize(
    ("graph", "length"),
    [({"a": "b", "b": "c"}, 0), ({"a": "b", "b": "c", "c": "a"}, 4), ({"a": "b", "b": "a"}, 3)],
)
def test_a_circle_is_found(graph: dict[str, str], length: int) -> None:
    assert len(circle(graph)) == length


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import torch.nn as nn", "torch.nn"),
        ("def f():\n    import ray", "ray"),
        ("if TYPE_CHECKING:\n    import ray", "ray"),
        ("from sklearn import metrics", "sklearn.metrics"),
        ("from tuneyard import search", "tuneyard.search"),
        ("from . import space", "tuneyard.spaces.language.space"),
        ("from .space import Space", "tuneyard.spaces.language.space.Space"),
        ("from ..fields import gan", "tuneyard.spaces.fields.gan"),
        ("import importlib\nimportlib.import_module('mlflow')", "mlflow"),
    ],
)
def test_an_import_is_seen_in_every_form(source: str, name: str) -> None:
    assert name in [found for _, found in imports(source, "tuneyard.spaces.language")]


@pytest.mark.parametrize(
    ("module", "name", "allowed"),
    [
        ("spaces.language.space", "numpy", False),
        ("spaces.language.space", "pydantic_extra_types", False),
        ("spaces.language.space", "tuneyard.spaces.fields.gan.GanOptions", False),
        ("datasets.names", "torch", False),
        ("datasets.names", "PIL.Image", False),
        ("datasets.image_folder", "PIL.Image", True),
        ("trainables.worker.trainable", "ray.tune", True),
        ("trainables.training.training", "ray.tune", False),
        ("trainables.layers.metrics", "sklearn.metrics.f1_score", True),
        ("trainables.layers.metrics", "sklearn", False),
        ("trainables.task", "tuneyard.search.spec.search", False),
        ("trainables.task", "tuneyard.trainables.training.loop.Training", False),
        ("search.spec.search", "tuneyard.spaces.Float", True),
        ("search.spec.search", "optuna", False),
        ("search.spec.samplers.tpe", "optuna", True),
        ("search.spec.schedulers.pbt", "ray.tune.schedulers", True),
        ("search.spec.schedulers.pbt", "ray", False),
        ("search.study.store", "optuna", True),
        ("search.stages.driver", "pyarrow.fs", False),
        ("search.results.result", "tuneyard.search.tracking.client.connect", False),
        ("search.tracking.client", "tuneyard.search.models.registry", False),
        ("search.jobs.queue", "ray.exceptions.AuthenticationError", True),
        ("search.jobs.queue", "ray.init", False),
    ],
)
def test_the_table_is_read_right(module: str, name: str, allowed: bool) -> None:
    assert is_allowed(module, name) is allowed
