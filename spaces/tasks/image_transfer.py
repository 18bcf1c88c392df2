"""Hyperparameters of a classifier of one's own pictures on a trained backbone."""

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
"""Every backbone is cut into as many stages."""


class TransferAdam(Adam):
    """Adam where a new head trains well."""

    lr: Annotated[float, Float(1e-4, 1e-2, log=True)] = 1e-3


class TransferSGD(SGD):
    """SGD where a new head trains well."""

    lr: Annotated[float, Float(1e-3, 1e-1, log=True)] = 1e-2
    momentum: Annotated[float, Float(0.0, 0.99)] = 0.9


class ImageTransferSpace(TrainingSpace):
    """The class of a picture in one's own folder, by a network trained on ImageNet and a new head.

    Baseline: the course's resnet18 with all of its layers but the last, then Linear(512, classes).
    The course leaves what trains, and how, open: here the backbone is frozen, with Adam 1e-3,
    batches of 32 and 10 epochs.

    Attributes:
        backbone: Network of torchvision, without its classifier.
        weights: ``imagenet``, which torchvision downloads, or ``none`` for a fresh network. Not
            searched: ``--set weights=none`` changes it.
        frozen_stages: Leading stages, of 5, that keep their weights; stage 1 sees the picture.
        backbone_rate: What the learning rate is multiplied by for the stages that train.
        hidden_size: Units of a hidden layer in the head; None means one linear map.
        dropout: Before each linear map of the head.
        augmentation: Of the training pictures; None means off.
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
