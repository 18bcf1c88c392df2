"""What the image tasks share: pixels on the device, augmentation, measuring in chunks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from tuneyard.datasets import Dataset, Split, images
from tuneyard.spaces.fields.augmentation import Augmentation
from tuneyard.spaces.fields.image_training import ImageTraining
from tuneyard.spaces.fields.training import TrainingSpace
from tuneyard.trainables.layers.augmentation import augment
from tuneyard.trainables.layers.metrics import classification_metrics
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.task import Task

CHUNK = 1000
"""Images that are measured at a time: a whole split's activations would not fit in memory."""

BRIGHTEST = 255

ConfigT = TypeVar("ConfigT", bound=TrainingSpace)
ImageConfigT = TypeVar("ImageConfigT", bound=ImageTraining)


class ImageTask(Task[ConfigT]):
    """A task on MNIST or one of the data sets of its shape."""

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """70,000 images of 28 x 28 in ten classes; 1,797 of scikit-learn's digits."""
        return images.load(choice, data_dir)


class ImageProblem(Problem):
    """Images as bytes on the device, a quarter of their size as floats.

    Args:
        model: The network, in its fresh state.
        data: With `image` and `label`.
        device: Where.
        augmentation: Of the training images; None means off.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        device: torch.device,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.device = device
        self.model = model.to(device)
        self._data = data
        self._augmentation = augmentation

    def build_tensors(self, split: Split) -> Batch:
        """image (B, 1, 28, 28), bytes, and label (B,)."""
        rows = self._data.splits[split]
        return {
            "image": torch.tensor(self._data.arrays["image"][rows][:, None], device=self.device),
            "label": torch.tensor(self._data.arrays["label"][rows], device=self.device),
        }

    def pixels(self, batch: Batch) -> Tensor:
        """The images as floats in [0, 1], (B, 1, 28, 28); augmented while the model trains."""
        pixels = batch["image"].float() / BRIGHTEST
        if self._augmentation is not None and self.model.training:
            return augment(pixels, self._augmentation)
        return pixels

    def examples(self) -> np.ndarray:
        """Two images as the served models read them: (2, 28, 28) bytes."""
        return self._data.arrays["image"][:2]


class ClassificationProblem(ImageProblem):
    """Images scaled to mean 0 and standard deviation 1, as the training split's pixels have them.

    Args:
        model: From images (B, 1, 28, 28) to logits (B, 10).
        data: With `image` and `label`.
        device: Where.
        augmentation: Of the training images; None means off.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        device: torch.device,
        augmentation: Augmentation | None = None,
    ) -> None:
        # with channels last the networks take a quarter to a third less time on the CPU
        super().__init__(model.to(memory_format=torch.channels_last), data, device, augmentation)
        self._mean, self._std = mean_and_deviation(data)

    def logits(self, batch: Batch) -> Tensor:
        """Logits (B, 10)."""
        images = (self.pixels(batch) - self._mean) / self._std
        logits: Tensor = self.model(images.contiguous(memory_format=torch.channels_last))
        return logits

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over the classes."""
        return nn.functional.cross_entropy(self.logits(batch), batch["label"])

    def evaluate(self, batch: Batch) -> Metrics:
        """``loss`` and ``accuracy``."""
        return mean_over_chunks(batch, self._measure)

    def _measure(self, batch: Batch) -> Metrics:
        return classification_metrics(self.logits(batch), batch["label"])

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """(B, 28, 28) bytes to the probability of each class (B, 10)."""
        module = nn.Sequential(Scaled(self._mean, self._std), self.model, nn.Softmax(dim=1))
        # torch.export warns of weights in another order
        return module.cpu().eval().to(memory_format=torch.contiguous_format), self.examples()


class ClassificationTask(ImageTask[ImageConfigT]):
    """The classes of images by a network with the fields of `ImageTraining`; accuracy."""

    @abstractmethod
    def network(self, config: ImageConfigT) -> nn.Module:
        """A fresh network from images (B, 1, 28, 28) to logits (B, 10)."""

    def problem(
        self, config: ImageConfigT, data: Dataset, device: torch.device
    ) -> ClassificationProblem:
        """Images and a fresh network."""
        return ClassificationProblem(self.network(config), data, device, config.augmentation)


class Scaled(nn.Module):
    """Bytes (B, H, W) to floats (B, 1, H, W), as a network saw them in training.

    Args:
        mean: Of the pixels in [0, 1].
        std: Their standard deviation.
    """

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.mean = mean
        self.std = std

    def forward(self, image: Tensor) -> Tensor:
        """Pixels in [0, 255] to floats."""
        return ((image.float() / BRIGHTEST - self.mean) / self.std)[:, None]


def mean_and_deviation(data: Dataset) -> tuple[float, float]:
    """Mean and standard deviation of the training split's pixels in [0, 1]."""
    image = torch.from_numpy(data.arrays["image"][data.splits["train"]])
    counts = image.flatten().bincount(minlength=BRIGHTEST + 1).double()
    share, grey = counts / counts.sum(), torch.arange(BRIGHTEST + 1) / BRIGHTEST
    mean = float(share @ grey.double())
    std = float(share @ (grey - mean).double().square()) ** 0.5
    # images that are all of one grey stay so
    return mean, std or 1.0


def chunks(batch: Batch, size: int = CHUNK) -> Iterator[Batch]:
    """The rows of a batch in order, at most `size` at a time."""
    split = {name: tensor.split(size) for name, tensor in batch.items()}
    for tensors in zip(*split.values(), strict=True):
        yield dict(zip(split, tensors, strict=True))


def mean_over_chunks(
    batch: Batch, measure: Callable[[Batch], Metrics], size: int = CHUNK
) -> Metrics:
    """Metrics that are means over rows, measured chunk by chunk of at most `size` rows."""
    count = len(next(iter(batch.values())))
    totals: Metrics = {}
    for chunk in chunks(batch, size):
        share = len(next(iter(chunk.values()))) / count
        for name, value in measure(chunk).items():
            totals[name] = totals.get(name, torch.zeros_like(value)) + share * value
    return totals
