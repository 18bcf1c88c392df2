"""`Kept`: the objects that a user's function asked to be saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn, optim

from tuneyard.trainables.script.plain import from_plain, to_plain
from tuneyard.trainables.searchable import State

EXAMPLE_ROWS = 2
"""Rows of a batch that are kept as an example of a model's input."""


@runtime_checkable
class Stateful(Protocol):
    """What torch's modules, optimizers and schedules have in common."""

    def state_dict(self) -> Mapping[str, object]:
        """What the object needs to continue."""

    def load_state_dict(self, state_dict: Mapping[str, object]) -> object:
        """Continues from a `state_dict`."""


class Kept:
    """The objects of one trial, by the names that the function gave them.

    An object without a `state_dict`, such as an estimator of scikit-learn, is known by its name but
    not saved.

    Args:
        saved: What `state` returned before the trial was interrupted; empty for a new trial.
        examples: Its `examples` of then.
        changed: Whether the config has changed since, so that the optimizers of the new config keep
            their own learning rates and other settings.

    Attributes:
        objects: The objects.
        examples: Examples of the modules' inputs, as far as they were called with one tensor.
    """

    def __init__(
        self,
        saved: State | None = None,
        examples: Mapping[str, Tensor] | None = None,
        *,
        changed: bool = False,
    ) -> None:
        self.objects: dict[str, object] = {}
        self._saved = dict(saved or {})
        self.changed = changed
        self.examples: dict[str, Tensor] = dict(examples or {})

    def add(self, name: str, kept: object) -> None:
        """Takes an object, and restores it where it was saved before."""
        self.objects[name] = kept
        if isinstance(kept, nn.Module) and name not in self.examples:
            self._watch_input(name, kept)
        if name in self._saved:
            self._restore(kept, cast("State", from_plain(self._saved.pop(name))))

    def _restore(self, kept: object, saved: State) -> None:
        if isinstance(kept, torch.Generator):
            kept.set_state(cast("Tensor", saved["state"]).cpu())
        elif isinstance(kept, np.random.Generator):
            kept.bit_generator.state = saved
        elif isinstance(kept, optim.Optimizer) and self.changed:
            groups = [
                {**now, "params": before["params"]}
                for now, before in zip(
                    kept.state_dict()["param_groups"], saved["param_groups"], strict=True
                )
            ]
            kept.load_state_dict({**saved, "param_groups": groups})
        elif isinstance(kept, Stateful):
            kept.load_state_dict(saved)

    def state(self) -> State:
        """The states of all objects that have one, as tensors and plain values."""
        states: State = {}
        for name, kept in self.objects.items():
            if isinstance(kept, torch.Generator):
                states[name] = {"state": kept.get_state()}
            elif isinstance(kept, np.random.Generator):
                states[name] = to_plain(kept.bit_generator.state, f"keep({name}=...)")
            elif isinstance(kept, Stateful):
                states[name] = to_plain(dict(kept.state_dict()), f"keep({name}=...).state_dict()")
        return states

    def weights(self) -> State:
        """Copies of the modules' weights, by the modules' names."""
        return {
            name: _copied(kept.state_dict())
            for name, kept in self.objects.items()
            if isinstance(kept, nn.Module)
        }

    def _watch_input(self, name: str, module: nn.Module) -> None:
        """Keeps some rows of the first batch that the module is called with."""

        def see(_module: nn.Module, inputs: tuple[object, ...]) -> None:
            if len(inputs) == 1 and isinstance(inputs[0], Tensor) and inputs[0].ndim > 0:
                rows = inputs[0].detach()[:EXAMPLE_ROWS].cpu().clone()
                repeats = (EXAMPLE_ROWS, *[1] * (rows.ndim - 1))
                self.examples[name] = rows if len(rows) > 1 else rows.repeat(repeats)
            hook.remove()

        hook = module.register_forward_pre_hook(see)


def _copied(state: Mapping[str, object]) -> State:
    return {
        name: value.detach().clone() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }
