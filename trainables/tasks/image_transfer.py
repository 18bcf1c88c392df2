"""Task ``image-transfer``: classification of pictures by a pretrained backbone and a new head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, image_folder
from tuneyard.spaces import Space
from tuneyard.spaces.tasks.image_transfer import DESCRIPTION, STAGES, Backbone, ImageTransferSpace
from tuneyard.trainables.layers.augmentation import augment
from tuneyard.trainables.layers.backbones import DEVIATION, MEAN, build_backbone, load_weights
from tuneyard.trainables.layers.metrics import classification_metrics
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.problems.images import BRIGHTEST, mean_over_chunks
from tuneyard.trainables.task import Task

CHUNK = 64
"""Pictures evaluated at a time."""


class TransferNetwork(nn.Module):
    """Maps pictures (B, 3, H, W) to logits (B, classes): frozen stages, trained stages, head."""

    def __init__(self, config: ImageTransferSpace, classes: int) -> None:
        super().__init__()
        pretrained = config.weights == "imagenet"
        stages, width = build_backbone(config.backbone, pretrained=pretrained)
        self.frozen = nn.Sequential(*stages[: config.frozen_stages]).requires_grad_(False)
        self.tuned = nn.Sequential(*stages[config.frozen_stages :])
        self.head = _head(config, width, classes)

    def train(self, mode: bool = True) -> Self:
        """Keeps frozen stages in evaluation mode, so their batch norms keep their statistics."""
        super().train(mode)
        self.frozen.eval()
        return self

    def features(self, pictures: Tensor) -> Tensor:
        """Maps scaled pictures (B, 3, H, W) to features (B, width), averaged over all positions."""
        features: Tensor = self.tuned(self.frozen(pictures)).mean((2, 3))
        return features

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits of the classes."""
        logits: Tensor = self.head(self.features(pictures))
        return logits


def _head(config: ImageTransferSpace, width: int, classes: int) -> nn.Sequential:
    """Builds the head from features (B, width) to logits, with or without a hidden layer."""
    layers: list[nn.Module] = []
    if config.hidden_size is not None:
        layers += [nn.Dropout(config.dropout), nn.Linear(width, config.hidden_size), nn.ReLU()]
        width = config.hidden_size
    return nn.Sequential(*layers, nn.Dropout(config.dropout), nn.Linear(width, classes))


class Scaled(nn.Module):
    """Maps bytes (B, 3, H, W) to floats, scaled as in the training of the pretrained weights."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    def forward(self, picture: Tensor) -> Tensor:
        """Scales pixels in [0, 255]."""
        return self.scale(picture.float() / BRIGHTEST)

    def scale(self, pixels: Tensor) -> Tensor:
        """Standardizes pixels in [0, 1] by ImageNet's mean and deviation."""
        return (pixels - self.mean) / self.deviation


class ImageTransferProblem(Problem):
    """Pictures as bytes on the device, or their features only, if no stage is trained.

    Features can stand for the pictures if all stages are frozen and there is no augmentation: then
    they are the same in each epoch.
    """

    model: TransferNetwork

    def __init__(self, config: ImageTransferSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self._augmentation = config.augmentation
        self._has_fixed_features = config.frozen_stages == STAGES and config.augmentation is None
        self._backbone_rate = config.backbone_rate
        self._scaled = Scaled().to(device)
        self.model = TransferNetwork(config, len(data.classes)).to(device)

    def learning_rate_multipliers(self) -> Mapping[nn.Parameter, float]:
        """`backbone_rate` for the trained stages of the backbone."""
        return dict.fromkeys(self.model.tuned.parameters(), self._backbone_rate)

    def build_tensors(self, split: Split) -> Batch:
        """`label` (B,), and `image` (B, 3, H, W), bytes, or `features` (B, width) if fixed."""
        rows = self._data.splits[split]
        image = torch.tensor(self._data.arrays["image"][rows], device=self.device)
        label = torch.tensor(self._data.arrays["label"][rows], device=self.device)
        if not self._has_fixed_features:
            return {"image": image, "label": label}
        self.model.frozen.eval()
        with torch.no_grad():
            chunks = [self.model.features(self._scaled(chunk)) for chunk in image.split(CHUNK)]
        return {"features": torch.cat(chunks), "label": label}

    def loss(self, batch: Batch) -> Tensor:
        """The cross entropy over the classes."""
        return nn.functional.cross_entropy(self._logits(batch), batch["label"])

    def _logits(self, batch: Batch) -> Tensor:
        if self._has_fixed_features:
            logits: Tensor = self.model.head(batch["features"])
        else:
            pixels = batch["image"].float() / BRIGHTEST
            if self._augmentation is not None and self.model.training:
                pixels = augment(pixels, self._augmentation)
            logits = self.model(self._scaled.scale(pixels))
        return logits

    def evaluate(self, batch: Batch) -> Metrics:
        """The ``loss`` and the ``accuracy``."""
        return mean_over_chunks(batch, self._measure, CHUNK)

    def _measure(self, batch: Batch) -> Metrics:
        return classification_metrics(self._logits(batch), batch["label"])

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from pictures (B, 3, 224, 224), bytes, to class probabilities (B, classes)."""
        module = nn.Sequential(Scaled(), self.model, nn.Softmax(1)).cpu().eval()
        return module, self._data.arrays["image"][:2]


class ImageTransfer(Task[ImageTransferSpace]):
    """Classification of the pictures of a folder, ranked by accuracy."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads the pictures of a folder, with one folder per class, at 224 x 224 pixels."""
        return image_folder.load(choice, data_dir)

    def prepare(self, space: Space[ImageTransferSpace]) -> None:
        """Downloads the weights of every backbone in the space, so that trials find them."""
        domains = {leaf.path: leaf.domain for leaf in space.leaves}
        if "imagenet" in domains["weights"].grid(1):
            for backbone in domains["backbone"].grid(1):
                load_weights(cast("Backbone", backbone))

    def problem(
        self, config: ImageTransferSpace, data: Dataset, device: torch.device
    ) -> ImageTransferProblem:
        """The pictures of each split and a network with a new head."""
        return ImageTransferProblem(config, data, device)


TASK = ImageTransfer()
