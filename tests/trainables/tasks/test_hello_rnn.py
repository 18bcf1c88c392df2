"""Tests of hello-rnn: both ways to unroll, the course's loop, and the epochs to solve."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tuneyard.datasets import hello
from tuneyard.spaces.tasks.hello_rnn import HelloAdam, HelloRnnSpace, OneHot
from tuneyard.trainables.layers.recurrent import build_recurrent
from tuneyard.trainables.tasks.hello_rnn import TASK, CellByCell
from tuneyard.trainables.training.training import Training

CPU = torch.device("cpu")
DATA = hello.load()


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_cell_by_cell_equals_the_whole_sequence(cell: Any, num_layers: int) -> None:
    torch.manual_seed(3)
    whole = build_recurrent(cell, 5, 7, num_layers, dropout=0.0)
    torch.manual_seed(3)
    cells = CellByCell(cell, 5, 7, num_layers)
    for mine, torchs in zip(cells.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, torchs)
    inputs = torch.randn(3, 6, 5)
    expected, got = whole(inputs)[0], cells(inputs)[0]
    assert got.shape == (3, 6, 7)
    torch.testing.assert_close(got, expected)
    for outputs in (expected, got):
        outputs.square().sum().backward()
    for mine, torchs in zip(cells.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, torchs.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("encoding", [OneHot(), HelloRnnSpace().encoding])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_both_ways_to_unroll_train_equally(cell: Any, encoding: Any, train: Any) -> None:
    def losses(unroll: Any) -> list[float]:
        config = HelloRnnSpace(cell=cell, encoding=encoding, unroll=unroll)
        return [metrics["val_loss"] for metrics in train(Training(TASK, config, [DATA], seed=1), 6)]

    assert losses("cells") == pytest.approx(losses("sequence"), rel=1e-3)


def test_training_equals_the_courses_loop(train: Any) -> None:
    training = Training(TASK, HelloRnnSpace(), [DATA], seed=4)
    history = train(training)

    torch.manual_seed(4)
    embedding = nn.Embedding(4, 10)
    layers, head = nn.RNN(10, 8, 2, batch_first=True), nn.Linear(8, 4)
    params = [p for part in (embedding, layers, head) for p in part.parameters()]
    optimizer = torch.optim.Adam(params, lr=0.05, fused=False)
    inputs, labels = torch.tensor([[1, 0, 2, 2, 3]]), torch.tensor([3, 1, 2, 3, 2])
    spelled = []

    def logits() -> torch.Tensor:
        return head(layers(embedding(inputs), torch.zeros(2, 1, 8))[0]).view(-1, 4)

    for metrics in history:
        loss = nn.functional.cross_entropy(logits(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        spelled.append("".join("ehlo"[place] for place in logits().argmax(1)))
        assert metrics["train_loss"] == pytest.approx(loss.item(), rel=1e-4)
    first = spelled.index("ohlol") + 1
    assert history[-1]["val_epochs_to_solve"] == first
    for epoch, metrics in enumerate(history, start=1):
        assert metrics["val_epochs_to_solve"] == min(epoch + 1, first)
        assert (metrics["val_accuracy"] == 1.0) == (spelled[epoch - 1] == "ohlol")


def test_a_word_that_is_solved_once_stays_solved() -> None:
    """A later mistake does not change the number of epochs."""
    problem = TASK.problem(HelloRnnSpace(), DATA, CPU)
    order = torch.Generator()
    answer = problem.tensors("train")["answer"]

    class Given(nn.Module):
        tried, solved = torch.zeros(()), torch.tensor(False)
        spelled = 0 * answer

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return nn.functional.one_hot(self.spelled, 4).float().expand(len(words), -1, -1)

    given = problem.model = Given()  # type: ignore[assignment]
    seen = []
    for spelled in (0 * answer, answer, answer, 0 * answer, answer):
        next(problem.batches(None, order))
        given.spelled = spelled
        metrics = problem.evaluate(problem.tensors("val"))
        seen.append((metrics["epochs_to_solve"].item(), metrics["accuracy"].item() == 1.0))
    assert seen == [(2, False), (2, True), (2, True), (2, False), (2, True)]


def test_the_best_weights_keep_their_own_epoch_count(train: Any) -> None:
    training = Training(TASK, HelloRnnSpace(optimizer=HelloAdam(lr=0.1)), [DATA], seed=0)
    train(training)
    assert training.best is not None
    (weights,) = training.best_weights()
    assert weights["solved"]
    assert weights["tried"].item() == training.best.metrics["val_epochs_to_solve"] < 15


def test_words_are_encoded_and_others_refused() -> None:
    assert hello.encode("hello").tolist() == [1, 0, 2, 2, 3]
    assert hello.encode("ohlol").tolist() == [3, 1, 2, 3, 2]
    (places,) = TASK.encode(["hello"], (5,))
    assert np.array_equal(places, DATA.arrays["word"][0])
    assert TASK.encode([[0, 1]], (5,)) == [[0, 1]]
    with pytest.raises(ValueError, match=r"^text must have letters of ehlo, got 'd'$"):
        TASK.encode(["world"], (5,))


def test_the_exported_model_spells_the_answer(train: Any) -> None:
    training = Training(TASK, HelloRnnSpace(), [DATA], seed=4)
    train(training)
    module, example = training.problems[0].export()
    probabilities = module(torch.tensor(example))
    assert probabilities.shape == (2, 5, 4)
    torch.testing.assert_close(probabilities.sum(2), torch.ones(2, 5))
    for word in probabilities.argmax(2).tolist():
        assert "".join(DATA.classes[place] for place in word) == hello.ANSWER
