"""Hyperparameters of the diabetes classifier."""

from __future__ import annotations

from typing import Annotated, Literal

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.activations import Activation
from tuneyard.spaces.fields.optimizers import SGD, Optimizer
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Int, Length
from tuneyard.spaces.objective import Objective


class DiabetesSpace(TrainingSpace):
    """Diagnosis of diabetes from eight features of the Pima Indians data, by an MLP.

    Baseline, from the course: layers of 8-6-4-1 units with sigmoids, SGD 0.1, 100 epochs with the
    full batch.
    """

    hidden_sizes: Annotated[tuple[Annotated[int, Int(4, 128, log=True)], ...], Length(1, 3)] = (
        6,
        4,
    )
    activation: Activation = "sigmoid"
    batch_norm: bool = False
    dropout: Dropout = 0.0
    optimizer: Optimizer = SGD(lr=0.1)
    batch_size: Literal[32, 64, 128] | None = None
    epochs: int = 100


DESCRIPTION = TaskDescription(
    name="diabetes",
    space=DiabetesSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.diabetes",
)
