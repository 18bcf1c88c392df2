"""The device of a trial, and the errors by which it says that its memory is full."""

from __future__ import annotations

import ray
import torch

# what torch on the CPU, the CUDA driver, cuBLAS and cuDNN say: torch has no class for these
_OUT_OF_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "STATUS_ALLOC_FAILED")


def trial_device(gpus: float) -> torch.device:
    """The device of a trial, with its share of the GPU's memory.

    Args:
        gpus: GPUs that Ray granted; a fraction is a share of one.

    Raises:
        RuntimeError: Ray granted a GPU that torch can't use.
    """
    if gpus <= 0:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RuntimeError(
            f"Ray granted GPU {ray.get_gpu_ids()} but torch can't use it "
            f"(torch {torch.__version__}, CUDA not available); mend the driver, "
            "or search with --gpus-per-trial 0"
        )
    if gpus < 1:
        torch.cuda.set_per_process_memory_fraction(gpus)
    return torch.device("cuda")


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says that the memory of the CPU or the GPU is full."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
