"""`History`: every metric of each epoch that a trial has trained, kept with its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tuneyard.trainables.training.checkpoint_files import HISTORY
from tuneyard.trainables.training.sealed import seal, unseal


class History:
    """The epochs of one trial, from its first one on.

    A trial that continues from a checkpoint reports them all once more: whoever asks for them may
    have died with some that nobody has written down.
    """

    def __init__(self) -> None:
        self._values: dict[str, list[float | None]] = {}
        self._epochs = 0
        self._taken = 0

    def add(self, metrics: Mapping[str, float]) -> None:
        """One more epoch."""
        for name in metrics.keys() - self._values.keys():
            self._values[name] = [None] * self._epochs
        for name, values in self._values.items():
            values.append(metrics.get(name))
        self._epochs += 1

    def take(self) -> dict[str, list[float | None]]:
        """Every metric of each epoch since the last call, by name."""
        new = {name: values[self._taken :] for name, values in self._values.items()}
        self._taken = self._epochs
        return {name: values for name, values in new.items() if any(v is not None for v in values)}

    def save(self, folder: Path, number: int) -> None:
        """Writes it into a checkpoint of the trial with this number."""
        text = seal({"number": number, "epochs": self._epochs, "metrics": self._values})
        (folder / HISTORY).write_text(text)

    def load(self, folder: Path, number: int) -> None:
        """Takes the epochs of a checkpoint, unless it is another trial's, as under PBT.

        Raises:
            DamagedError: They are not what was written.
        """
        file = folder / HISTORY
        if not file.exists():
            # an earlier version's
            return
        values = unseal(file.read_text(errors="replace"))
        if values["number"] == number:
            self._values, self._epochs, self._taken = values["metrics"], values["epochs"], 0
