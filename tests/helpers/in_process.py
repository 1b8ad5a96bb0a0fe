"""Work for worker processes, done in this one: for tests that patch what is called."""

from collections.abc import Callable, Iterator, Sequence

from sdd.runtime.expendable_workers import Outcome


def run_here(
    function: Callable, items: Sequence, *, workers: int, imports: Sequence[str]
) -> Iterator[tuple]:
    """In place of `sdd.runtime.expendable_workers.run_expendable`, in the order of the items."""
    for item in items:
        try:
            outcome = Outcome(function(item))
        except ValueError as error:
            outcome = Outcome(_error=error)
        yield item, outcome
