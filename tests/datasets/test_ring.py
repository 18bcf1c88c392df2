"""Tests of the generated ring of Gaussians."""

import numpy as np

from tuneyard.datasets import ring


def test_the_ring_is_as_described() -> None:
    dataset = ring.load()
    point, label = dataset.arrays["point"], dataset.arrays["label"]
    assert (point.shape, point.dtype, label.dtype) == ((5120, 2), np.float32, np.int64)
    assert np.abs(point).max() < 1.25
    assert {p: np.bincount(label[r]).tolist() for p, r in dataset.splits.items()} == {
        "train": [512] * 8,
        "val": [64] * 8,
        "test": [64] * 8,
    }
    for mode, middle in enumerate(ring.centres()):
        own = point[label == mode]
        assert np.allclose(own.mean(0), middle, atol=0.01)
        assert np.allclose(own.std(0), ring.DEVIATION, atol=0.005)
    assert (dataset.source, dataset.stratify, len(dataset.classes)) == ("package", "label", 8)


def test_the_centres_lie_on_a_circle() -> None:
    middles = ring.centres()
    assert np.allclose(np.linalg.norm(middles, axis=1), ring.RADIUS)
    assert np.allclose(middles[[0, 2, 4, 6]], [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-6)


def test_the_ring_is_always_the_same() -> None:
    assert ring.load().fingerprint == ring.load().fingerprint
