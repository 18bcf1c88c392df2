"""The data sets of small grey images that several tasks can use; see `tuneyard.datasets.images`."""

IMAGE_DATA = ("mnist", "fashion-mnist", "kmnist", "digits")
"""Each has 28 x 28 pixels and 10 classes; ``digits`` are scikit-learn's 8 x 8, enlarged."""
