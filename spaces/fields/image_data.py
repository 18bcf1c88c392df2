"""The data sets of small grey images that tasks choose between; `tuneyard.datasets.images`."""

IMAGE_DATA = ("mnist", "fashion-mnist", "kmnist", "digits")
"""28 x 28 pixels, 10 classes each; ``digits`` are scikit-learn's 8 x 8, enlarged."""
