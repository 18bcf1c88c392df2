"""`TrialCallback` for Lightning: a trial of `lightning.pytorch.Trainer`."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from tuneyard.trainables.script.trial import Trial


class TrialCallback(Callback):
    """Makes what a `Trainer` trains the trial of a search::

        def train(config, trial):
            trainer = Trainer(
                max_epochs=config.epochs,
                callbacks=[TrialCallback(trial)],
                accelerator=trial.device.type,
                devices=1,
                logger=False,
                enable_checkpointing=False,
            )
            trainer.fit(Classifier(config), loader, val_loader)

    Each epoch's metrics are those that the module logged (`LightningModule.log`), by their names.
    The trainer stops where the trial is stopped. The module is kept as ``model``; it goes on after
    an interruption, as do its optimizers, their schedules, the other callbacks, the data module and
    the shuffling of a `DataLoader`. A loader with a `torch.Generator` of its own needs
    ``trial.keep(shuffling=generator)`` before it is iterated. What hooks add to Lightning's own
    checkpoints (`on_save_checkpoint`) is not saved.

    Args:
        trial: The trial.
        metrics: The names of the metrics to report; None means all.
    """

    def __init__(self, trial: Trial, metrics: Sequence[str] | None = None) -> None:
        self._trial = trial
        self._metrics = metrics
        self._reported: dict[str, Tensor] = {}
        self._epochs: Generator[int, None, None] | None = None
        self._epoch: int | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restores what is kept, when there are optimizers and before anything is trained.

        Raises:
            ValueError: The trainer has no number of epochs.
        """
        count = trainer.max_epochs
        if count is None or count < 0:
            raise ValueError(f"Trainer(max_epochs=...) must be 1 or more, got {count}")
        self._trial.keep(model=pl_module)
        for name, part in _parts(trainer, self):
            self._trial.keep(**{name: part})
        # the next epoch begins with its first batch, not where the last one ended
        trainer.fit_loop.epoch_loop.restarting = False
        self._epochs = self._trial.epochs(count)
        self._advance(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends the epoch before: by now, all hooks of it and all schedules are through."""
        if self._epoch is not None and trainer.current_epoch >= self._epoch:
            self._report(trainer)
            self._advance(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ends the last epoch, which may be one at which another callback stopped."""
        self._report(trainer)
        if self._epochs is not None:
            self._epochs.close()

    def _advance(self, trainer: Trainer) -> None:
        """Waits for the next epoch, or stops the trainer."""
        assert self._epochs is not None
        self._epoch = next(self._epochs, None)
        if self._epoch is None:
            trainer.should_stop = True
            # else it would go on until they are reached
            trainer.fit_loop.min_epochs = trainer.fit_loop.epoch_loop.min_steps = None

    def _report(self, trainer: Trainer) -> None:
        """Reports what was logged in this epoch; older values are there as the same tensors."""
        logged = dict(trainer.callback_metrics)
        new = {
            name: value
            for name, value in logged.items()
            if value is not self._reported.get(name)
            and (self._metrics is None or name in self._metrics)
        }
        self._reported = logged
        self._trial.report(**new)


def _parts(trainer: Trainer, own: Callback) -> Iterator[tuple[str, object]]:
    """What beside the module has a state, by names that are the same after an interruption."""
    for number, optimizer in enumerate(trainer.optimizers):
        yield f"optimizer {number}", optimizer
    for number, schedule in enumerate(trainer.lr_scheduler_configs):
        yield f"schedule {number}", schedule.scheduler
    for callback in trainer.callbacks:  # type: ignore[attr-defined]  # set, not declared
        if callback is not own:
            yield callback.state_key, callback
    data_module = trainer.datamodule  # type: ignore[attr-defined]
    if data_module is not None:
        yield "data module", data_module
    yield "precision", trainer.precision_plugin
    yield "loop", trainer.fit_loop
