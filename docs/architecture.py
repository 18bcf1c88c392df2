"""Draws `docs/architecture.svg`: the packages, row by row, and the way of one search through them.

    python docs/architecture.py > docs/architecture.svg

Packages, what they are for and what they import are read from the code; only the steps of a search
are written here. `make docs` runs it, and a test compares the drawing with the code.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("search", "trainables", "spaces", "datasets")
LIBRARIES = {
    "fastapi": "FastAPI",
    "httpx": "HTTPX",
    "mlflow": "MLflow",
    "optuna": "Optuna",
    "pyarrow": "Arrow",
    "ray": "Ray",
    "torch": "PyTorch",
    "typer": "Typer",
}
"""The libraries that a box names, by the name under which they are imported."""

WIDTH, MAP_WIDTH, MARGIN, GAP = 840, 545, 14, 8
LETTER, LINE = 5.9, 13.5
"""Pixels: the width of a letter of the small text, and the height of its line."""


@dataclass(frozen=True)
class Step:
    """A step of a search: its title, what happens, and the packages that do it."""

    title: str
    text: str
    where: tuple[str, ...]


STEPS = (
    Step("spec", "The request becomes one validated SearchSpec.", ("search/spec",)),
    Step(
        "registry",
        "The task is found by its name; the spec narrows its space.",
        ("spaces/registry", "spaces/language"),
    ),
    Step(
        "prepare", "Its data is loaded once, for Ray's object store.", ("search/stages", "datasets")
    ),
    Step("study", "Optuna proposes a config; the first is the baseline.", ("search/study",)),
    Step("Tune", "The config goes to a free worker as an Assignment.", ("search/tune",)),
    Step(
        "worker",
        "The model trains some epochs; a Report comes back.",
        ("trainables/worker", "trainables/training"),
    ),
    Step(
        "scheduler",
        "Each Report decides: continue, pause or stop the trial.",
        ("search/spec", "search/tune"),
    ),
    Step("recorder", "The trial's child run gets its curves.", ("search/tracking",)),
    Step(
        "store",
        "A finished trial is stored, and the best checkpoints are kept.",
        ("search/study", "search/storage"),
    ),
    Step(
        "evaluate",
        "The best trial's model is tested once.",
        ("search/stages", "trainables/training"),
    ),
    Step("register", "It is registered, and promoted if it is better.", ("search/models",)),
    Step("publish", "The SearchResult is written and returned.", ("search/results",)),
)
LOOP = range(3, 9)
"""The steps that the stage `explore` repeats for every trial."""


@dataclass(frozen=True)
class Package:
    """A package, or a module that lies directly in one of the four folders.

    Attributes:
        key: Folder and name, e.g. ``search/spec`` or ``search/api``.
        label: As it is drawn.
        purpose: The first sentence of its docstring.
        libraries: Those of `LIBRARIES` that it imports.
        imports: Keys of the packages of the same folder that it imports.
    """

    key: str
    label: str
    purpose: str
    libraries: tuple[str, ...]
    imports: frozenset[str]


def read_packages(folder: str) -> list[Package]:
    """The packages of a folder, by name; `datasets`, which has none, is one itself."""
    if folder == "datasets":
        return [_read(ROOT / folder, folder)]
    found = sorted(path for path in (ROOT / folder).iterdir() if not path.name.startswith("_"))
    packages = [path for path in found if path.suffix == ".py" or (path / "__init__.py").exists()]
    return [_read(path, f"{folder}/{path.stem}") for path in packages]


def _read(path: Path, key: str) -> Package:
    main = path if path.is_file() else path / "__init__.py"
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    names = {name for file in files for name in _imports(file)}
    docstring = ast.get_docstring(ast.parse(main.read_text())) or ""
    return Package(
        key,
        f"{path.name}" if path.is_file() else f"{path.name}/",
        docstring.splitlines()[0].partition(";")[0].partition(". ")[0].rstrip(".").replace("`", ""),
        tuple(
            shown for name, shown in LIBRARIES.items() if name in {n.split(".")[0] for n in names}
        ),
        frozenset(_key(name) for name in names if name.startswith("tuneyard.")) - {key},
    )


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _key(name: str) -> str:
    return "/".join(name.split(".")[1:3])


def rows(packages: list[Package]) -> list[list[Package]]:
    """The packages of a folder in rows, the top one first: each imports only from rows below."""
    by_key = {package.key: package for package in packages}

    def height(key: str, above: tuple[str, ...] = ()) -> int:
        if key in above:
            sys.exit(f"the packages import in a circle: {' -> '.join((*above, key))}")
        below = by_key[key].imports & by_key.keys()
        return 1 + max((height(one, (*above, key)) for one in below), default=0)

    heights = {key: height(key) for key in by_key}
    return [
        [by_key[key] for key in by_key if heights[key] == level]
        for level in range(max(heights.values()), 0, -1)
    ]


def text(x: float, y: float, words: str, style: str) -> str:
    """One line of text, its baseline at `y`."""
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    """A rectangle with round corners."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" class="{style}"/>'
    )


def badge(x: float, y: float, number: int) -> str:
    """The number of a step in a disc around (`x`, `y`)."""
    disc = f'<circle cx="{x:g}" cy="{y:g}" r="8.5" class="disc"/>'
    return disc + text(x, y + 3.8, str(number), "number")


def arrow(path: str) -> str:
    """A line with a head at its end."""
    return f'<path d="{path}" class="arrow" marker-end="url(#head)"/>'


def wrap(words: str, width: float) -> list[str]:
    """Small text in lines that fit into `width` pixels."""
    return textwrap.wrap(words, int(width / LETTER))


def draw_package(package: Package, x: float, y: float, width: float, height: float) -> list[str]:
    """A box with name, libraries, purpose and the numbers of its steps."""
    drawn = [box(x, y, width, height, "package"), text(x + 8, y + 17, package.label, "name")]
    drawn += [
        text(x + 8, y + 32 + index * LINE, line, "small")
        for index, line in enumerate(wrap(package.purpose, width - 16))
    ]
    if package.libraries:
        drawn.append(text(x + width - 8, y + 16.5, ", ".join(package.libraries), "library"))
    numbers = [n for n, step in enumerate(STEPS, 1) if package.key in step.where]
    beside = x + 24 + 7.6 * len(package.label)
    drawn += [badge(beside + 20 * i, y + 13, number) for i, number in enumerate(numbers)]
    return drawn


def draw_folder(folder: str, x: float, y: float, width: float) -> tuple[list[str], float]:
    """A folder's packages in their rows, and how high they are together."""
    drawn, top = [text(x + 10, y + 19, f"{folder}/", "folder")], y + 30
    levels = rows(read_packages(folder))
    if len(levels) > 1:
        rule = "each row imports only from the rows below it"
        drawn.append(text(x + width - 10, y + 18, rule, "rule"))
    for row in levels:
        each = (width - 20 - GAP * (len(row) - 1)) / len(row)
        lines = max(len(wrap(package.purpose, each - 16)) for package in row)
        height = 26 + lines * LINE
        for index, package in enumerate(row):
            drawn += draw_package(package, x + 10 + index * (each + GAP), top, each, height)
        top += height + GAP + 5
    return [box(x, y, width, top - y, f"{folder} area"), *drawn], top - y


def draw_step(number: int, x: float, y: float, width: float) -> tuple[list[str], float]:
    """A step of a search, and how high it is."""
    step = STEPS[number - 1]
    lines = wrap(step.text, width - 16)
    height = 28 + (len(lines) + len(step.where)) * LINE
    drawn = [box(x, y, width, height, "step"), badge(x + 14, y + 14, number)]
    drawn.append(text(x + 28, y + 18.5, step.title, "name"))
    drawn += [text(x + 8, y + 34 + i * LINE, line, "small") for i, line in enumerate(lines)]
    below = y + 34 + len(lines) * LINE
    drawn += [text(x + 8, below + i * LINE, key, "where") for i, key in enumerate(step.where)]
    return drawn, height


def draw_way(x: float, y: float, width: float, height: float) -> list[str]:
    """The steps of a search from top to bottom, spread over `height`; `LOOP` is repeated."""
    side = x + width - 34
    sizes = [draw_step(number, 0, 0, side - x)[1] for number in range(1, len(STEPS) + 1)]
    gap = (height - 26 - sum(sizes)) / (len(STEPS) - 1)
    drawn, top, middles = [text(x, y + 19, "One search", "folder")], y + 26.0, []
    for number, size in enumerate(sizes, 1):
        drawn += draw_step(number, x, top, side - x)[0]
        middles.append(top + size / 2)
        if number < len(STEPS):
            drawn.append(arrow(f"M{(x + side) / 2:g} {top + size:g}v{gap - 1:g}"))
        top += size + gap
    start, end = middles[LOOP[-1]], middles[LOOP[0]]
    drawn.append(arrow(f"M{side:g} {start:g}h14V{end:g}h-13"))
    label = text(side + 27, (start + end) / 2, "explore: for every trial", "loop")
    turn = f'transform="rotate(-90 {side + 27:g} {(start + end) / 2:g})"'
    return [*drawn, label.replace("<text", f"<text {turn}")]


STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.name { font: bold 12.5px ui-monospace, Menlo, "DejaVu Sans Mono", monospace }
.folder { font-size: 15px; font-weight: bold }
.small { font-size: 11px }
.rule { font-size: 11px; font-style: italic; text-anchor: end }
.where { font: 10.5px ui-monospace, Menlo, "DejaVu Sans Mono", monospace; fill: #57606a }
.library { font-size: 11px; font-weight: bold; fill: #9a3412; text-anchor: end }
.number { font-size: 10.5px; font-weight: bold; fill: #fff; text-anchor: middle }
.loop { font-size: 11px; font-style: italic; text-anchor: middle }
.disc { fill: #1d4ed8 }
.page { fill: #fff; stroke: #d0d7de }
.area { stroke: #d0d7de }
.search { fill: #eef4ff } .trainables { fill: #fdf3e7 }
.spaces { fill: #edf8ee } .datasets { fill: #f6effb }
.package { fill: #fff; stroke: #8c959f }
.step { fill: #f6f8fa; stroke: #1d4ed8 }
.arrow { fill: none; stroke: #1d4ed8; stroke-width: 1.5 }
.head { fill: #1d4ed8 }
"""


def drawing() -> str:
    """The whole picture as SVG, on a background of its own."""
    known = {package.key for folder in FOLDERS for package in read_packages(folder)}
    unknown = {key for step in STEPS for key in step.where} - known
    if unknown:
        sys.exit(f"steps name packages that do not exist: {', '.join(sorted(unknown))}")
    drawn, top = [], float(MARGIN)
    for folder in FOLDERS:
        area, height = draw_folder(folder, MARGIN, top, MAP_WIDTH)
        drawn += area
        top += height + GAP
    x = MARGIN + MAP_WIDTH + 16
    drawn += draw_way(x, MARGIN, WIDTH - MARGIN - x, top - GAP - MARGIN)
    size = f'width="{WIDTH}" height="{top + 6:g}" viewBox="0 0 {WIDTH} {top + 6:g}"'
    head = '<path d="M0 0L8 4L0 8Z" class="head"/>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<style>{STYLE}</style>",
            '<marker id="head" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto" '
            f'markerUnits="userSpaceOnUse">{head}</marker>',
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{top + 5:g}" rx="8" class="page"/>',
            *drawn,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    print(drawing(), end="")
