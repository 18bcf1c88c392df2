"""`TrialCallback` for Transformers: a trial of `transformers.Trainer`."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any  # what the trainer hands to its callbacks

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, SaveStrategy, get_last_checkpoint

from tuneyard.trainables.script.trial import Trial
from tuneyard.trainables.script.turns import TrialEnded


class TrialCallback(TrainerCallback):
    """Makes what a `Trainer` trains the trial of a search::

        def train(config, trial):
            callback = TrialCallback(trial)
            options = TrainingArguments(
                output_dir=trial.folder,
                num_train_epochs=config.epochs,
                eval_strategy="epoch",
                seed=trial.seed,
                report_to="none",
                use_cpu=trial.device.type == "cpu",
            )
            trainer = Trainer(model, options, ..., callbacks=[callback])
            trainer.train(resume_from_checkpoint=callback.checkpoint)

    The metrics of each evaluation are reported by their names, such as ``eval_loss``. The trainer
    stops where the trial is stopped. The model is kept as ``model``, and with it the weights of the
    best epoch; `load_best_model_at_end` is right only with the objective as its metric. After an
    interruption the trainer goes on from its own checkpoint, which it saves at the end of each
    epoch.

    Args:
        trial: The trial.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._epochs: Generator[int, None, None] | None = None

    @property
    def checkpoint(self) -> str | None:
        """The folder to go on from; None for a new trial."""
        found: str | None = get_last_checkpoint(str(self._trial.folder))  # type: ignore[no-untyped-call]
        return found

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Keeps the model, and ends a trial whose epochs are all over.

        Raises:
            ValueError: The trainer's checkpoints would not be the trial's, or the trial can't go on
                with its config.
        """
        folder = self._trial.folder
        if Path(args.output_dir or ".").resolve() != folder.resolve():
            raise ValueError(
                f"TrainingArguments(output_dir=...) must be trial.folder, got {args.output_dir!r}"
            )
        if self._trial.changed:
            # the trainer would restore the optimizer and the schedule of the config before
            raise ValueError(
                "a transformers.Trainer can't go on with another config, as PBT asks it to; use "
                "another scheduler, such as asha or hyperband"
            )
        args.save_strategy = SaveStrategy.EPOCH
        args.save_total_limit = args.save_total_limit or 1
        # its weights are restored, too: the trainer's own checkpoint loses those that it renames
        self._trial.keep(model=kwargs["model"])
        self._epochs = self._trial.epochs(state.num_train_epochs)
        if next(self._epochs, None) is None:
            raise TrialEnded

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Reports what was measured."""
        measured = {name: value for name, value in kwargs["metrics"].items() if name != "epoch"}
        self._trial.report(**measured)

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Waits for the next epoch: the evaluation and the checkpoint of this one are done."""
        assert self._epochs is not None
        if not control.should_training_stop and next(self._epochs, None) is None:
            control.should_training_stop = True

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Ends the last epoch, which may be one at which another callback stopped."""
        assert self._epochs is not None
        self._epochs.close()
        # a trial that has ended does not go on from them
        for checkpoint in self._trial.folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
            shutil.rmtree(checkpoint)
