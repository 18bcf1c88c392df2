"""Knows by its name which option is no hyperparameter, e.g. a path or a seed."""

from __future__ import annotations

import re

from tuneyard.search.draft.option import Option

_REASONS: dict[str, str] = {
    "a seed; use trial.seed": "seed seeds",
    "how long a trial trains": "epoch epochs episode episodes iter iters iterations niter step "
    "steps timestep timesteps patience",
    "where it runs; use trial.device": "device devices cuda gpu gpus ngpu mps cpu cpus accel "
    "accelerator xpu tpu",
    "how it runs, not what it learns": "worker workers thread threads nthreads rank world port "
    "distributed dist backend multiprocessing node nodes deterministic benchmark amp fp16 bf16 "
    "precision compile pin prefetch jobs",
    "what it shows and keeps": "log logs logging interval freq print save load checkpoint "
    "checkpoints resume verbose debug quiet silent version render display wandb tensorboard "
    "comment tag tags profile plot visualize progress every id",
    "the data and not the model": "data dataset datasets dataroot corpus split env environment "
    "task classes limit samples download vocab language dummy fake synthetic",
    "how it is measured": "test val valid validation eval evaluate evaluation metric",
    "what the script does": "do dry demo train predict generate command mode force overwrite smoke",
}
_TEXTS: dict[str, str] = {
    "where something is": "path paths dir dirs folder file files root filename outf output out "
    "url address host location cache home",
    "a name": "name names project entity user run experiment exp token key hub",
}
_LENGTHS = {"step", "steps", "epoch", "epochs"}


def words_of(dest: str) -> list[str]:
    """The words of an option's name in small letters: ``lr_decay`` and ``lrDecay`` have two."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", dest)
    return re.findall(r"[a-z]+\d*", apart.lower())


def why_fixed(option: Option) -> str:
    """Why an option isn't searched, by its name; empty where it may be."""
    if not option.names:
        return "set_defaults gives it"
    words = words_of(option.dest)
    if "batch" in words:
        words = [word for word in words if word in _REASONS["how it is measured"].split()]
    elif words[-1:] == ["size"] or "lr" in words:
        # the size of a step, and after how many epochs a learning rate falls, are searched
        words = [word for word in words if word not in _LENGTHS | {"train"}]
    reasons = _REASONS | (_TEXTS if option.type in ("str", "Path") else {})
    for reason, known in reasons.items():
        if set(words) & set(known.split()):
            return reason
    return ""
