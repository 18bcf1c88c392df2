"""`tuneyard check` of loops that ignore what their space inherits: nothing is searched in vain."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneyard.spaces.registry import open_file
from tuneyard.trainables.checks import Check, Checks
from tuneyard.trainables.find import find_searchable
from tuneyard.trainables.training.loop import EpochLoop
from tuneyard.trainables.training.trained import TrainedTask

NAME = "reads what is searched"

SCRIPT = """
from typing import Annotated
import torch
from tuneyard.spaces import Float, SearchSpace
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables import Trial

objective = "min loss"

class Space({base}):
    lr: Annotated[float, Float(1e-3, 1.0, log=True)] = 1e-2
    epochs: int = 4

def train(args: Space, trial: Trial) -> None:
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), args.lr)
    trial.keep(model=model, optimizer=optimizer)
    {line}
    for _ in trial.epochs(args.epochs):
        optimizer.zero_grad()
        loss = (model(torch.ones(1, 1)) - 1).square().mean()
        loss.backward()
        optimizer.step()
        trial.report(loss=loss.item())
"""


def found(task: Any, data: Any) -> list[Check]:
    return [one for one in Checks(task, data).run() if one.name == NAME]


@pytest.fixture
def checked(tmp_path: Path) -> Callable[..., list[Check]]:
    """``checked("TrainingSpace", "print(args.l1)")``: what is said of a script with that line."""

    def check(base: str, line: str = "") -> list[Check]:
        path = tmp_path / "my_own_task.py"
        path.write_text(SCRIPT.format(base=base, line=line))
        task = find_searchable(open_file(str(path)).name)
        return found(task, task.load(None, None))

    return check


def test_a_script_that_ignores_what_its_space_inherits(checked: Any) -> None:
    (one,) = checked("TrainingSpace", "args.clip_norm, args.optimizer")
    assert one.outcome == "failed"
    assert one.said == (
        "Space searches schedule, l1, which the training does not read: read them, fix each, "
        "e.g. l1: None = None, or derive from SearchSpace, which brings no fields"
    )


@pytest.mark.parametrize(
    "line",
    [
        "args.l1, args.clip_norm, args.optimizer, args.schedule",
        "args.model_dump()",
        "dict(args)",
        "vars(args)",
    ],
)
def test_a_script_that_reads_it(checked: Any, line: str) -> None:
    assert [one.outcome for one in checked("TrainingSpace", line)] == ["passed"]


def test_a_space_of_ones_own_is_not_asked(checked: Any) -> None:
    assert checked("SearchSpace") == []


class Careless(EpochLoop):
    """Takes steps without any penalty."""

    def _backward(self, batch: Any) -> Any:
        loss = self.problem.loss(batch)
        penalized = self._optimization.backward(loss, l1=None, clip_norm=None)
        return loss.detach(), penalized


def test_a_loop_that_ignores_penalties(scripted: Any) -> None:
    task = scripted(0.1, 0.2)
    task.loop = Careless
    data = task.load(None)
    (one,) = found(TrainedTask(task), data)
    assert one.outcome == "failed"
    assert one.said.startswith("ScriptedSpace searches l1, clip_norm, which")
    task.loop = None
    assert [check.outcome for check in found(TrainedTask(task), data)] == ["passed"]
