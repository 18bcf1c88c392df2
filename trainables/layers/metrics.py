"""Metrics that several tasks share, as scalars on the device."""

from __future__ import annotations

from torch import Tensor, nn

from tuneyard.trainables.problem import Metrics


def classification_metrics(logits: Tensor, label: Tensor) -> Metrics:
    """The ``loss``, i.e. the mean cross entropy, and the ``accuracy``, in [0, 1].

    Args:
        logits: The logits of the classes, (B, classes).
        label: The true class, (B,).
    """
    return {
        "loss": nn.functional.cross_entropy(logits, label),
        "accuracy": (logits.argmax(1) == label).float().mean(),
    }
