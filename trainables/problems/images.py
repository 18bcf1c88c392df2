"""Shared by the image tasks: pixels on the device, augmentation, evaluation in chunks."""

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
"""Images evaluated at a time, since the activations of a whole split would not fit in memory."""

BRIGHTEST = 255

ConfigT = TypeVar("ConfigT", bound=TrainingSpace)
ImageConfigT = TypeVar("ImageConfigT", bound=ImageTraining)


class ImageTask(Task[ConfigT]):
    """A task on MNIST or another data set with images of the same shape."""

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads 70,000 images of 28 x 28 pixels in ten classes, or scikit-learn's 1,797 digits."""
        return images.load(choice, data_dir)


class ImageProblem(Problem):
    """Images kept on the device as bytes, which take a quarter of the memory of floats.

    Args:
        model: The network, with its initial weights.
        data: A data set with the arrays `image` and `label`.
        device: The device of the tensors and the model.
        augmentation: The augmentation of training images; None means none.
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
        """`image` (B, 1, 28, 28), bytes, and `label` (B,)."""
        rows = self._data.splits[split]
        return {
            "image": torch.tensor(self._data.arrays["image"][rows][:, None], device=self.device),
            "label": torch.tensor(self._data.arrays["label"][rows], device=self.device),
        }

    def pixels(self, batch: Batch) -> Tensor:
        """The images as floats in [0, 1], (B, 1, 28, 28), augmented if the model is training."""
        pixels = batch["image"].float() / BRIGHTEST
        if self._augmentation is not None and self.model.training:
            return augment(pixels, self._augmentation)
        return pixels

    def examples(self) -> np.ndarray:
        """Two images as the exported models read them: (2, 28, 28) bytes."""
        return self._data.arrays["image"][:2]


class ClassificationProblem(ImageProblem):
    """Classification of images, standardized by the training split's mean and deviation.

    Args:
        model: The network, from images (B, 1, 28, 28) to logits (B, 10).
        data: A data set with the arrays `image` and `label`.
        device: The device of the tensors and the model.
        augmentation: The augmentation of training images; None means none.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Dataset,
        device: torch.device,
        augmentation: Augmentation | None = None,
    ) -> None:
        # the channels-last layout saves a quarter to a third of the time on the CPU
        super().__init__(model.to(memory_format=torch.channels_last), data, device, augmentation)
        self._mean, self._std = mean_and_deviation(data)

    def logits(self, batch: Batch) -> Tensor:
        """The logits of the classes, (B, 10)."""
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
        """A module from images (B, 28, 28), bytes, to the probability of each class, (B, 10)."""
        module = nn.Sequential(Scaled(self._mean, self._std), self.model, nn.Softmax(dim=1))
        # torch.export warns about weights in the channels-last layout
        return module.cpu().eval().to(memory_format=torch.contiguous_format), self.examples()


class ClassificationTask(ImageTask[ImageConfigT]):
    """Classification of images by a network whose config has the fields of `ImageTraining`."""

    @abstractmethod
    def network(self, config: ImageConfigT) -> nn.Module:
        """Builds a network from images (B, 1, 28, 28) to logits (B, 10)."""

    def problem(
        self, config: ImageConfigT, data: Dataset, device: torch.device
    ) -> ClassificationProblem:
        """The images and a fresh network."""
        return ClassificationProblem(self.network(config), data, device, config.augmentation)


class Scaled(nn.Module):
    """Maps bytes (B, H, W) to floats (B, 1, H, W), scaled as in training.

    Args:
        mean: The mean of the pixels, in [0, 1], which is subtracted.
        std: The standard deviation, which the pixels are divided by.
    """

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.mean = mean
        self.std = std

    def forward(self, image: Tensor) -> Tensor:
        """Scales pixels in [0, 255]."""
        return ((image.float() / BRIGHTEST - self.mean) / self.std)[:, None]


def mean_and_deviation(data: Dataset) -> tuple[float, float]:
    """Mean and standard deviation of the training split's pixels, scaled to [0, 1]."""
    image = torch.from_numpy(data.arrays["image"][data.splits["train"]])
    counts = image.flatten().bincount(minlength=BRIGHTEST + 1).double()
    frequency, grey = counts / counts.sum(), torch.arange(BRIGHTEST + 1) / BRIGHTEST
    mean = float(frequency @ grey.double())
    std = float(frequency @ (grey - mean).double().square()) ** 0.5
    # the deviation is 0 if all pixels are equal, and must not be divided by
    return mean, std or 1.0


def chunks(batch: Batch, size: int = CHUNK) -> Iterator[Batch]:
    """Yields the rows of a batch in order, in chunks of at most `size` rows."""
    pieces = {name: tensor.split(size) for name, tensor in batch.items()}
    for tensors in zip(*pieces.values(), strict=True):
        yield dict(zip(pieces, tensors, strict=True))


def mean_over_chunks(
    batch: Batch, measure: Callable[[Batch], Metrics], size: int = CHUNK
) -> Metrics:
    """Computes metrics that are means over rows, in chunks of at most `size` rows."""
    count = len(next(iter(batch.values())))
    totals: Metrics = {}
    for chunk in chunks(batch, size):
        weight = len(next(iter(chunk.values()))) / count
        for name, value in measure(chunk).items():
            totals[name] = totals.get(name, torch.zeros_like(value)) + weight * value
    return totals
