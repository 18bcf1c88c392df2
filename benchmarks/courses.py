"""An epoch of `mnist-cnn` and `names-gru` at the baseline beside the same as the course writes it.

The course's way: a Dataset of single rows, a DataLoader, tensors made in Python batch by batch, the
loss read at each step. Both sides start from the same weights; each round is an epoch of both,
training and validation. Surnames are compared three times: in our batches, which hold names of
about one length, so that the losses must be the same; in the course's own shuffled batches, sorted
and packed as it advises; and as its code has them, padded, where the network reads the padding too.

Seconds are those of the processor, on one thread, so that other work on the machine counts little.

TUNEYARD_DATA=FOLDER python benchmarks/courses.py [--rounds 3] [--task mnist-cnn]
"""

from __future__ import annotations

import argparse
import statistics
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Rows
from torchvision import datasets, transforms

from tuneyard.datasets import Dataset
from tuneyard.trainables.problems.images import mean_and_deviation
from tuneyard.trainables.task import find_task
from tuneyard.trainables.training.training import Training

SEED = 0


class CourseCnn(nn.Module):
    """The course's network for MNIST."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.pooling = nn.MaxPool2d(2)
        self.fc = nn.Linear(320, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 1, 28, 28) to logits (B, 10)."""
        x = torch.relu(self.pooling(self.conv1(x)))
        x = torch.relu(self.pooling(self.conv2(x)))
        return self.fc(x.view(x.size(0), -1))


class CourseMnist:
    """MNIST as torchvision gives it out, image by image."""

    def __init__(self, data: Dataset, folder: Path) -> None:
        self._data = data
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True)
        image, label = data.arrays["image"], data.arrays["label"].astype(np.uint8)
        for name, rows in (("train", slice(60_000)), ("t10k", slice(60_000, None))):
            write_idx(raw / f"{name}-images-idx3-ubyte", image[rows])
            write_idx(raw / f"{name}-labels-idx1-ubyte", label[rows])
        # the course's 0.1307 and 0.3081 with all their digits, or the losses part in the fourth
        mean, std = mean_and_deviation(data)
        as_the_course = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize((mean,), (std,))]
        )
        self._rows = datasets.MNIST(str(folder), train=True, transform=as_the_course)
        self.model = CourseCnn()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.5)
        self._order = torch.Generator().manual_seed(SEED)

    def train_loader(self) -> DataLoader[Any]:
        """The next epoch's batches."""
        rows = self._data.splits["train"]
        order = torch.randperm(len(rows), generator=self._order).numpy()
        return DataLoader(self._rows, batch_size=64, sampler=rows[order].tolist())

    def test_loader(self) -> DataLoader[Any]:
        """The validation part."""
        rows = self._data.splits["val"].tolist()
        return DataLoader(self._rows, batch_size=64, sampler=rows)

    def predict(self, inputs: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and labels."""
        return self.model(inputs), target


def write_idx(path: Path, array: np.ndarray) -> None:
    """An array of bytes in the format of MNIST's files."""
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape))
    with path.open("ab") as file:
        file.write(array.tobytes())


class CourseGru(nn.Module):
    """The course's network for surnames; packed, with the last state of both directions."""

    def __init__(self, classes: int, *, packed: bool) -> None:
        super().__init__()
        self.packed = packed
        self.embedding = nn.Embedding(128, 100)
        self.gru = nn.GRU(100, 100, num_layers=2, bidirectional=True)
        self.fc = nn.Linear(200, classes)

    def forward(self, names: Tensor, lengths: Tensor) -> Tensor:
        """Codes (T, B), longest first, to logits (B, classes)."""
        embedded = self.embedding(names)
        if not self.packed:
            _, hidden = self.gru(embedded)
            return self.fc(torch.cat([hidden[-1], hidden[-1]], dim=-1))
        _, hidden = self.gru(pack_padded_sequence(embedded, lengths))
        return self.fc(torch.cat([hidden[-2], hidden[-1]], dim=-1))


class NameRows(Rows[tuple[str, int]]):
    """Surnames and the numbers of their countries."""

    def __init__(self, names: Sequence[str], countries: Sequence[int]) -> None:
        self.names, self.countries = names, countries

    def __getitem__(self, item: int) -> tuple[str, int]:
        return self.names[item], self.countries[item]

    def __len__(self) -> int:
        return len(self.names)


class CourseNames:
    """Surnames as text; codes, padding and sorting in Python, batch by batch."""

    def __init__(self, data: Dataset, ours: Training, *, shuffled: bool, packed: bool) -> None:
        self._ours = ours.problems[0]
        self._shuffled, self._packed = shuffled, packed
        self.model = CourseGru(len(data.classes), packed=packed)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        self._order = torch.Generator().manual_seed(SEED)

    def train_loader(self) -> DataLoader[Any]:
        """The next epoch's batches."""
        batches = list(self._ours.batches(256, self._order))
        rows = [row for batch in batches for row in texts(batch)]
        names, countries = zip(*rows, strict=True)
        if self._shuffled:
            return DataLoader(NameRows(names, countries), batch_size=256, shuffle=True)
        ends = np.cumsum([len(batch["label"]) for batch in batches])
        chosen = [
            list(range(end - len(b["label"]), end)) for end, b in zip(ends, batches, strict=True)
        ]
        return DataLoader(NameRows(names, countries), batch_sampler=chosen)

    def test_loader(self) -> DataLoader[Any]:
        """The validation part."""
        names, countries = zip(*texts(self._ours.tensors("val")), strict=True)
        return DataLoader(NameRows(names, countries), batch_size=256)

    def predict(self, names: Sequence[str], countries: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and labels, longest name first where they are packed."""
        codes = [[ord(letter) for letter in name] for name in names]
        lengths = torch.LongTensor([len(row) for row in codes])
        longest = int(lengths.max())
        inputs = torch.LongTensor([row + [0] * (longest - len(row)) for row in codes])
        if not self._packed:
            return self.model(inputs.t(), lengths), countries
        lengths, order = lengths.sort(descending=True, stable=True)
        inputs = inputs[order].t()
        return self.model(inputs, lengths), countries[order]


def texts(batch: Any) -> Iterator[tuple[str, int]]:
    """The surnames of a batch of ours."""
    for codes, label in zip(batch["letters"].tolist(), batch["label"].tolist(), strict=True):
        yield bytes(codes).rstrip(b"\0").decode("ascii"), label


def course_epoch(course: CourseMnist | CourseNames, loaders: Sequence[Iterable[Any]]) -> float:
    """One epoch of training and one pass over the validation part; the mean training loss."""
    total, count = 0.0, 0
    course.model.train()
    for inputs, target in loaders[0]:
        course.optimizer.zero_grad()
        outputs, target = course.predict(inputs, target)
        loss = nn.functional.cross_entropy(outputs, target)
        loss.backward()
        course.optimizer.step()
        total, count = total + loss.item() * len(target), count + len(target)
    correct = 0
    course.model.eval()
    with torch.no_grad():
        for inputs, target in loaders[1]:
            outputs, target = course.predict(inputs, target)
            correct += (outputs.argmax(1) == target).sum().item()
    return total / count


def compare(name: str, course: CourseMnist | CourseNames, ours: Training, rounds: int) -> None:
    """Prints each round's losses and seconds, and the ratio of the medians."""
    weights = ours.problems[0].model.state_dict().values()
    course.model.load_state_dict(dict(zip(course.model.state_dict(), weights, strict=True)))
    times: list[tuple[float, float]] = []
    for round_ in range(rounds):
        loaders = (course.train_loader(), course.test_loader())
        started = time.process_time()
        loss = course_epoch(course, loaders)
        between = time.process_time()
        metrics = ours.run_epoch()
        times.append((between - started, time.process_time() - between))
        print(
            f"{name} epoch {round_ + 1}: course's loss {loss:.5f} in {times[-1][0]:.2f} s,"
            f" ours {metrics['train_loss']:.5f} in {times[-1][1]:.2f} s"
        )
    theirs, own = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"{name}: {theirs:.2f} s / {own:.2f} s = {theirs / own:.2f}x")


def main() -> None:
    """Compares both tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--task", choices=["mnist-cnn", "names-gru"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in ("mnist-cnn", "names-gru"):
        if arguments.task not in (None, name):
            continue
        task = find_task(name)
        data = task.load(None)

        def training(task: Any = task, data: Dataset = data) -> Training:
            return Training(task, task.space(), [data], seed=SEED)

        if name == "mnist-cnn":
            with tempfile.TemporaryDirectory() as folder:
                compare(name, CourseMnist(data, Path(folder)), training(), arguments.rounds)
            continue
        for title, shuffled, packed in (
            ("in our batches", False, True),
            ("sorted and packed", True, True),
            ("as the course has it", True, False),
        ):
            ours = training()
            course = CourseNames(data, ours, shuffled=shuffled, packed=packed)
            compare(f"{name}, {title}", course, ours, arguments.rounds)


if __name__ == "__main__":
    main()
