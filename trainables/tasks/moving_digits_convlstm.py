"""Task ``moving-digits-convlstm``: the next frame of moving digits by a convolutional LSTM."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tuneyard.datasets import Dataset, Split, moving_digits
from tuneyard.spaces.tasks.moving_digits_convlstm import DESCRIPTION, MovingDigitsConvlstmSpace
from tuneyard.trainables.layers.convlstm import ConvLstm
from tuneyard.trainables.layers.ssim import ssim
from tuneyard.trainables.problem import Batch, Metrics, Problem
from tuneyard.trainables.problems.images import BRIGHTEST, mean_over_chunks
from tuneyard.trainables.task import Task

CHUNK = 50
"""Sequences evaluated at a time."""


class Predictor(nn.Module):
    """Maps frames (B, T, H, W) in [0, 1] to logits of the frame after each, (B, T, H, W).

    Height and width must be multiples of the config's `patch`.
    """

    def __init__(self, config: MovingDigitsConvlstmSpace) -> None:
        super().__init__()
        self.patch = config.patch
        hidden, pixels = config.hidden_channels, config.patch**2
        self.layers = ConvLstm(
            pixels,
            hidden,
            config.kernel,
            config.num_layers,
            dropout=config.dropout,
            batch_first=True,
        )
        between: list[nn.Module] = []
        for _ in range(config.output_layers - 1):
            between += [nn.Conv2d(hidden, hidden, 3, padding=1), nn.ReLU()]
        self.output = nn.Sequential(*between, nn.Conv2d(hidden, pixels, 3, padding=1))

    def forward(self, frames: Tensor) -> Tensor:
        """The logits of the next frames."""
        patches = F.pixel_unshuffle(frames[:, :, None], self.patch)  # (B, T, pixels, H, W)
        outputs, _ = self.layers(patches)
        predicted = self.output(outputs.flatten(0, 1))
        pixels = F.pixel_shuffle(predicted, self.patch)[:, 0]
        logits: Tensor = pixels.unflatten(0, frames.shape[:2])
        return logits


class MovingDigitsProblem(Problem):
    """Sequences of frames, as bytes on the device."""

    def __init__(
        self, config: MovingDigitsConvlstmSpace, data: Dataset, device: torch.device
    ) -> None:
        self.device = device
        self._data = data
        self.model = Predictor(config).to(device)

    def build_tensors(self, split: Split) -> Batch:
        """`frames` (B, T, H, W), bytes."""
        rows = self._data.splits[split]
        return {"frames": torch.tensor(self._data.arrays["frames"][rows], device=self.device)}

    def loss(self, batch: Batch) -> Tensor:
        """The mean binary cross entropy of the pixels of all frames but the first."""
        frames = _floats(batch["frames"])
        logits = self.model(frames[:, :-1])
        return F.binary_cross_entropy_with_logits(logits, frames[:, 1:])

    def evaluate(self, batch: Batch) -> Metrics:
        """Metrics of the predicted frames, and of naive predictions to compare them with.

        Returns:
            ``loss``, the binary cross entropy per pixel, and ``ssim``, the structural similarity in
            [-1, 1]. ``naive_ssim`` is that of repeating the previous frame. ``naive_loss`` is the
            loss of the best prediction of a pixel from its grey level in the previous frame alone:
            the mean of the pixels that followed this grey level in the training split. (The cross
            entropy of a repeated frame would be infinite, since it is certain of each pixel and
            often wrong.)
        """
        return mean_over_chunks(batch, self._measure, CHUNK)

    def _measure(self, batch: Batch) -> Metrics:
        frames = _floats(batch["frames"])
        logits = self.model(frames[:, :-1]).float()
        before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        expected = self._after_grey[batch["frames"][:, :-1].int()]
        return {
            "loss": F.binary_cross_entropy_with_logits(logits, frames[:, 1:]),
            "ssim": ssim(logits.sigmoid().flatten(0, 1), after).mean(),
            "naive_loss": F.binary_cross_entropy(expected, frames[:, 1:]),
            "naive_ssim": ssim(before, after).mean(),
        }

    @cached_property
    def _after_grey(self) -> Tensor:
        """The mean of the pixels that follow each grey level in the training split, (256,)."""
        frames = self.tensors("train")["frames"]
        before = frames[:, :-1].flatten().int()
        total = torch.bincount(before, _floats(frames[:, 1:]).flatten(), BRIGHTEST + 1)
        count = torch.bincount(before, minlength=BRIGHTEST + 1)
        # one more pixel of 0.5 per grey level: no prediction is certain, and no level is unknown
        return ((total + 0.5) / (count + 1)).float()

    def export(self) -> tuple[nn.Module, np.ndarray]:
        """A module from nine frames (B, 9, 32, 32), bytes, to the next (B, 32, 32) in [0, 1]."""
        return ExportedPredictor(self.model).cpu().eval(), self._data.arrays["frames"][:2, :-1]


class ExportedPredictor(nn.Module):
    """The predictor, from bytes to the frame after the last."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> Tensor:
        """Maps bytes (B, T, H, W) to the next frame's pixels (B, H, W) in [0, 1]."""
        logits: Tensor = self.model(_floats(frames))
        return logits[:, -1].sigmoid()


class MovingDigitsConvlstm(Task[MovingDigitsConvlstmSpace]):
    """Prediction of the next frame, ranked by the binary cross entropy per pixel."""

    description = DESCRIPTION

    def load(self, data_dir: Path | None, choice: str | None = None) -> Dataset:
        """Loads 3,000 sequences of 10 frames of MNIST, or 1,797 of scikit-learn's digits."""
        return moving_digits.load(choice, data_dir)

    def problem(
        self, config: MovingDigitsConvlstmSpace, data: Dataset, device: torch.device
    ) -> MovingDigitsProblem:
        """The sequences of each split and a fresh network."""
        return MovingDigitsProblem(config, data, device)


def _floats(frames: Tensor) -> Tensor:
    return frames.float() / BRIGHTEST


TASK = MovingDigitsConvlstm()
