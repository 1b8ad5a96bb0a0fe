"""Batches read in their order, ahead of their use where there are workers."""

from collections.abc import Generator, Iterable, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from sdd.data.dataset import Batch, Key, SegmentDataset, collate
from sdd.errors import InputError
from sdd.runtime.worker_processes import PROCESSES, serve_main_process, start_workers

_IMPORTS = ("torch", "scipy.fft", "soundfile")
"""What reading a batch needs, less the library itself."""


class _BatchReader(Dataset["Batch | InputError"]):
    """Reads whole batches, in a worker; hands an InputError over with its message untouched.

    A DataLoader would wrap the message of an exception raised in a worker into a traceback.
    """

    def __init__(self, dataset: SegmentDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, keys: list[Key]) -> Batch | InputError:
        try:
            return collate([self.dataset[key] for key in keys])
        except InputError as error:
            return error


def load_batches(
    dataset: SegmentDataset,
    batches: Sequence[Sequence[int]],
    *,
    epoch: int,
    first: int = 0,
    workers: int = 0,
) -> Generator[Batch, None, None]:
    """Read batches in their order, ahead of their use where there are workers.

    Parameters
    ----------
    batches
        Indices of the segments of each batch.
    epoch
        What crops and augmentation depend on.
    first
        Number of batches to leave out, those that are done.
    workers
        Processes that read ahead; 0 reads when asked. The batches are the same.

    Raises
    ------
    InputError
        If a segment cannot be read, or a worker dies.

    Notes
    -----
    Close what is not read to its end: its workers end then.
    """
    keys = [[(epoch, int(index)) for index in batch] for batch in batches[first:]]
    loader: DataLoader[Any] = DataLoader(
        _BatchReader(dataset),
        batch_size=None,
        # One "sample" is a batch, and its "index" the list of keys.
        sampler=keys,
        num_workers=workers,
        multiprocessing_context=PROCESSES if workers else None,
        worker_init_fn=serve_main_process,
        # Without a generator of its own, a loader takes one number from torch's global one, and a
        # resumed epoch would then see another dropout.
        generator=torch.Generator(),
    )
    if not workers:
        yield from _handed_over(loader)
        return
    reading, processes = start_workers(lambda: iter(loader), imports=_IMPORTS)
    try:
        yield from _handed_over(reading)
    except (RuntimeError, EOFError, OSError) as error:
        # How a loader tells that a process died: while it handed a batch over, or at another time.
        handing_over = isinstance(error, EOFError | ConnectionError)
        if not handing_over and all(process.is_alive() for process in processes):
            raise
        raise InputError(
            "a data-loading process died, of too little memory most likely; ask for more, or for "
            f"fewer of them (workers: {workers})"
        ) from error


def _handed_over(batches: Iterable[Batch | InputError]) -> Generator[Batch, None, None]:
    for batch in batches:
        if isinstance(batch, InputError):
            raise batch
        yield batch
