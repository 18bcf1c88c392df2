"""Task ``image-transfer``: the class of a picture by a trained backbone and a new head."""

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
"""Pictures that are measured at a time."""


class TransferNetwork(nn.Module):
    """Pictures (B, 3, H, W) to logits (B, classes): frozen stages, tuned stages, head."""

    def __init__(self, config: ImageTransferSpace, classes: int) -> None:
        super().__init__()
        pretrained = config.weights == "imagenet"
        stages, width = build_backbone(config.backbone, pretrained=pretrained)
        self.frozen = nn.Sequential(*stages[: config.frozen_stages]).requires_grad_(False)
        self.tuned = nn.Sequential(*stages[config.frozen_stages :])
        self.head = _head(config, width, classes)

    def train(self, mode: bool = True) -> Self:
        """Frozen batch norms keep their statistics too: frozen stages stay in evaluation mode."""
        super().train(mode)
        self.frozen.eval()
        return self

    def features(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W), scaled as for ImageNet, to (B, width), the mean over all places."""
        features: Tensor = self.tuned(self.frozen(pictures)).mean((2, 3))
        return features

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits by class."""
        logits: Tensor = self.head(self.features(pictures))
        return logits


def _head(config: ImageTransferSpace, width: int, classes: int) -> nn.Sequential:
    """Features (B, width) to logits: one linear map, or two with a hidden layer between."""
    layers: list[nn.Module] = []
    if config.hidden_size is not None:
        layers += [nn.Dropout(config.dropout), nn.Linear(width, config.hidden_size), nn.ReLU()]
        width = config.hidden_size
    return nn.Sequential(*layers, nn.Dropout(config.dropout), nn.Linear(width, classes))


class Scaled(nn.Module):
    """Bytes (B, 3, H, W) to floats scaled as those that the weights were trained on."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    def forward(self, picture: Tensor) -> Tensor:
        """Pixels in [0, 255] to floats."""
        return self.scale(picture.float() / BRIGHTEST)

    def scale(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] to mean 0 and deviation 1, as ImageNet has them."""
        return (pixels - self.mean) / self.deviation


class ImageTransferProblem(Problem):
    """Pictures as bytes on the device; their features alone where no pixel and no stage changes."""

    model: TransferNetwork

    def __init__(self, config: ImageTransferSpace, data: Dataset, device: torch.device) -> None:
        self.device = device
        self._data = data
        self._augmentation = config.augmentation
        self._fixed = config.frozen_stages == STAGES and config.augmentation is None
        self._rate = config.backbone_rate
        self._scaled = Scaled().to(device)
        self.model = TransferNetwork(config, len(data.classes)).to(device)

    def learning_rate_multipliers(self) -> Mapping[nn.Parameter, float]:
        """The backbone's learning rate is a share of the head's."""
        return dict.fromkeys(self.model.tuned.parameters(), self._rate)

    def build_tensors(self, split: Split) -> Batch:
        """label (B,), and image (B, 3, H, W), bytes, or features (B, width) where they stay."""
        rows = self._data.splits[split]
        image = torch.tensor(self._data.arrays["image"][rows], device=self.device)
        label = torch.tensor(self._data.arrays["label"][rows], device=self.device)
        if not self._fixed:
            return {"image": image, "label": label}
        self.model.frozen.eval()
        with torch.no_grad():
            chunks = [self.model.features(self._scaled(chunk)) for chunk in image.split(CHUNK)]
        return {"features": torch.cat(chunks), "label": label}

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over the classes."""
        return nn.functional.cross_entropy(self._logits(batch), batch["label"])

    def _logits(self, batch: Batch) -> Tensor:
        if self._fixed:
            logits: Tensor = self.model.head(batch["features"])
        else:
            pixels = batch["image"].float() / BRIGHTEST
            if self._augmentation is not None and self.model.training:
                pixels = augment(pixels, self._augmentation)
            logits = self.model(self._scaled.scale(pixels))
        return logits

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss`` and ``accuracy``."""
        return mean_over_chunks(batch, self._measure, CHUNK)

    def _measure(self, batch: Batch) -> Metrics:
        return classification_metrics(self._logits(batch), batch["label"])

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 3, 224, 224) bytes to the probability of each class (B, classes)."""
        module = nn.Sequential(Scaled(), self.model, nn.Softmax(1)).cpu().eval()
        return module, self._data.arrays["image"][:2]


class ImageTransfer(Task[ImageTransferSpace]):
    """Classification of the pictures of a folder; accuracy."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """The pictures of a folder, a folder for each class, at 224 x 224."""
        return image_folder.load(choice, data_dir)

    def prepare(self, space: Space[ImageTransferSpace]) -> None:
        """Downloads the weights of every backbone that is searched, so that trials find them."""
        domains = {leaf.path: leaf.domain for leaf in space.leaves}
        if "imagenet" in domains["weights"].grid(1):
            for backbone in domains["backbone"].grid(1):
                load_weights(cast("Backbone", backbone))

    def problem(
        self, config: ImageTransferSpace, data: Dataset, device: torch.device
    ) -> ImageTransferProblem:
        """The pictures of each split."""
        return ImageTransferProblem(config, data, device)


TASK = ImageTransfer()
