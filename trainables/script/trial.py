"""`Trial`: what a user's training function has in hand."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Protocol, SupportsFloat, runtime_checkable

import torch

from tuneyard.trainables.script.kept import Kept
from tuneyard.trainables.script.random_state import random_states, set_random_states
from tuneyard.trainables.script.report import as_number
from tuneyard.trainables.script.turns import TrialEnded
from tuneyard.trainables.searchable import State

MOST_ARTIFACT_BYTES = 32 << 20
"""The largest file that a trial may log."""


@runtime_checkable
class _MatplotlibFigure(Protocol):
    def savefig(self, fname: io.BytesIO, *, format: str) -> None: ...


@runtime_checkable
class _PlotlyFigure(Protocol):
    def to_html(self, *, include_plotlyjs: str) -> str: ...


class Trial:
    """One trial of a search, as the function that trains it sees it.

    Everything random is seeded with `seed` before the function is called.

    Attributes:
        seed: The seed of the trial.
        device: The device to train on.
        folder: A folder for files; they belong to the trial's checkpoints, and are there again
            after a resume.
        milestones: The epochs after which the scheduler compares trials.
        epoch: The number of epochs that have ended; after a resume, those from before it too.
        randoms: The states of the random generators at the end of the last epoch; None before it.
    """

    def __init__(
        self,
        *,
        seed: int,
        device: torch.device,
        folder: Path,
        milestones: frozenset[int],
        epoch: int,
        kept: Kept,
        randoms: State | None,
        hand_over: Callable[[], bool],
    ) -> None:
        self.seed = seed
        self.device = device
        self.folder = folder
        self.milestones = milestones
        self.epoch = epoch
        self.randoms = randoms
        self._kept = kept
        self._restore = randoms is not None
        self._hand_over = hand_over
        self._process = os.getpid()
        self._looped = False
        self._count: int | None = None
        self._metrics: dict[str, float] = {}
        self._artifacts: dict[str, bytes] = {}

    def keep(self, **objects: object) -> None:
        """Names the objects that a trial needs to go on, before the first epoch.

        Their state is saved with each checkpoint and restored here after a resume: the weights of
        models, optimizers and schedules (whatever has `state_dict` and `load_state_dict`), and
        generators of torch and NumPy. The best epoch's weights of every `torch.nn.Module` are kept.
        The one that is called ``model`` is handed to `test` and `export`.

        Args:
            objects: By names of your choice.
        """
        for name, kept in objects.items():
            self._kept.add(name, kept)

    def epochs(self, count: int) -> Generator[int, None, None]:
        """The numbers of the epochs to train, from 1, or from where the trial was interrupted.

        The loop ends after `count` epochs, and earlier if the trial is stopped: by the scheduler, a
        deadline, or a person.

        Args:
            count: How many epochs the whole training has.
        """
        if self._restore and self.randoms is not None:
            set_random_states(self.randoms, self.device)
            self._restore = False
        self._looped, self._count = True, count
        for epoch in range(self.epoch + 1, count + 1):
            try:
                yield epoch
            finally:
                # also where the function breaks out of its loop
                self.epoch = epoch
            # the last epoch ends when the function returns: what follows the loop belongs to it
            if epoch < count and not self._end_step():
                return

    def report(self, **metrics: SupportsFloat) -> None:
        """Reports what was measured, the objective among it.

        Within a loop over `epochs` the values belong to the epoch; without such a loop, each call
        is an epoch.

        Args:
            metrics: One number each: a number of Python or NumPy, or a tensor with one element.

        Raises:
            TypeError: One of them is not a number.
        """
        self._check_process()
        for name, value in metrics.items():
            self._metrics[name] = as_number(name, value)
        if not self._looped:
            self.epoch += 1
            if not self._end_step():
                raise TrialEnded

    def log_artifact(self, path: Path | str) -> None:
        """Records a file in the trial's run, under the file's name.

        Raises:
            ValueError: The file is too large.
        """
        self._log(Path(path).name, Path(path).read_bytes())

    def log_figure(self, name: str, figure: object) -> None:
        """Records a figure in the trial's run.

        Args:
            name: A name without an ending; a figure of the same name is replaced.
            figure: Of Matplotlib, stored as ``<name>.png``, or of Plotly, as ``<name>.html``.

        Raises:
            TypeError: It is another object.
        """
        if isinstance(figure, _MatplotlibFigure):
            picture = io.BytesIO()
            figure.savefig(picture, format="png")
            self._log(f"{name}.png", picture.getvalue())
        elif isinstance(figure, _PlotlyFigure):
            self._log(f"{name}.html", figure.to_html(include_plotlyjs="cdn").encode())
        else:
            raise TypeError(
                f"log_figure takes a figure of Matplotlib or Plotly, got {type(figure).__name__}"
            )

    def _log(self, name: str, content: bytes) -> None:
        self._check_process()
        if len(content) > MOST_ARTIFACT_BYTES:
            raise ValueError(
                f"{name} has {len(content) >> 20} MiB, a logged file at most "
                f"{MOST_ARTIFACT_BYTES >> 20}; put it into trial.folder"
            )
        self._artifacts[name] = content

    def _end_step(self) -> bool:
        """Hands over; other code of this process may draw random numbers meanwhile."""
        self._check_process()
        self.randoms = random_states(self.device)
        goes_on = self._hand_over()
        set_random_states(self.randoms, self.device)
        return goes_on

    def take_metrics(self) -> dict[str, float]:
        """What was reported since the last call; for who runs the trial."""
        taken, self._metrics = self._metrics, {}
        return taken

    def take_artifacts(self) -> dict[str, bytes]:
        """The files that were logged since the last call; for who runs the trial."""
        taken, self._artifacts = self._artifacts, {}
        return taken

    @property
    def changed(self) -> bool:
        """Whether the trial goes on with another config than it was trained with, as under PBT."""
        return self._kept.changed

    @property
    def is_whole(self) -> bool:
        """Whether all epochs that were announced have ended; for who runs the trial."""
        return self._count is None or self.epoch >= self._count

    def _check_process(self) -> None:
        """Ends a process that the function forked and that came back here."""
        if os.getpid() != self._process:
            os._exit(1)
