"""Metrics that several tasks measure; scalars on the device."""

from __future__ import annotations

from torch import Tensor, nn

from tuneyard.trainables.problem import Metrics


def classification_metrics(logits: Tensor, label: Tensor) -> Metrics:
    """``loss``, the cross entropy, and ``accuracy``, in [0, 1].

    Args:
        logits: By class, (B, classes).
        label: The right class, (B,).
    """
    return {
        "loss": nn.functional.cross_entropy(logits, label),
        "accuracy": (logits.argmax(1) == label).float().mean(),
    }
