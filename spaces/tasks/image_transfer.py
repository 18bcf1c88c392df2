"""Hyperparameters of the classifier of a user's pictures on a pretrained backbone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tuneyard.spaces.description import TaskDescription
from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.fields.optimizers import SGD, Adam
from tuneyard.spaces.fields.regularization import Dropout
from tuneyard.spaces.fields.schedules import Constant, OneCycle, Step
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.spaces.language.numeric import Float, Int
from tuneyard.spaces.objective import Objective

Backbone = Literal["resnet18", "resnet34", "mobilenet_v3_small", "efficientnet_b0"]

STAGES = 5
"""The number of stages that every backbone is divided into."""


class TransferAdam(Adam):
    """Adam in a range that suits a new head."""

    lr: Annotated[float, Float(1e-4, 1e-2, log=True)] = 1e-3


class TransferSGD(SGD):
    """SGD in a range that suits a new head."""

    lr: Annotated[float, Float(1e-3, 1e-1, log=True)] = 1e-2
    momentum: Annotated[float, Float(0.0, 0.99)] = 0.9


class ImageTransferSpace(TrainingSpace):
    """Classification of pictures in a user's folder by a pretrained network with a new head.

    Baseline, from the course: all layers of resnet18 but the last, then Linear(512, classes). The
    course does not specify the training; here the backbone is frozen, with Adam 1e-3, batches of 32
    and 10 epochs.

    Attributes:
        backbone: Network of torchvision, used without its classifier.
        weights: ``imagenet`` for weights that torchvision downloads, or ``none`` for random initial
            weights. It is not searched; ``--set weights=none`` changes it.
        frozen_stages: Number of the 5 stages, counted from the input, whose weights are frozen.
        backbone_rate: Learning-rate multiplier of the stages that are trained.
        hidden_size: Units of the hidden layer of the head; None means no hidden layer.
        dropout: Dropout before each linear layer of the head.
        augmentation: Augmentation of the training pictures; None means none.
    """

    backbone: Backbone = "resnet18"
    weights: Annotated[str, Field(pattern="^(imagenet|none)$")] = "imagenet"
    frozen_stages: Annotated[int, Int(0, STAGES)] = STAGES
    backbone_rate: Annotated[float, Float(0.01, 1.0, log=True)] = 0.1
    hidden_size: Annotated[int, Int(64, 512, log=True)] | None = None
    dropout: Dropout = 0.0
    augmentation: Augmentation | None = None
    optimizer: Annotated[TransferAdam | TransferSGD, Field(discriminator="kind")] = TransferAdam()
    schedule: Annotated[Constant | Step | OneCycle, Field(discriminator="kind")] = Constant()
    batch_size: Literal[16, 32, 64] = 32
    epochs: int = 10


DESCRIPTION = TaskDescription(
    name="image-transfer",
    space=ImageTransferSpace,
    objective=Objective("val_accuracy", "max"),
    module="tuneyard.trainables.tasks.image_transfer",
    takes_folder=True,
)
