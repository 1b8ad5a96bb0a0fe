"""What every workflow script does around its work: logging, and errors that can be read."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdd.errors import InputError


@contextmanager
def logged(log: str | Path, *, attempts: Path | None = None) -> Iterator[None]:
    """Log the block to a file; show a user's error as one line and leave with status 1.

    Parameters
    ----------
    log
        Everything from level INFO goes there; errors also to the screen.
    attempts
        Gets the same, appended: Snakemake deletes a job's log when it runs the job again.

    Raises
    ------
    SystemExit
        With status 1 after an `InputError`, whose message is then in the log and on the screen.
        Other exceptions pass through, with their traceback in the log.
    """
    # A notebook's is inherited, and matplotlib then fails; figures are files, which need none.
    os.environ.pop("MPLBACKEND", None)
    handlers = [_handler(Path(log), "w")] + ([_handler(attempts, "a")] if attempts else [])
    root = logging.getLogger()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            yield
    except InputError as error:
        logging.getLogger("sdd").error("%s", error)
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None
    except Exception:
        logging.getLogger("sdd").exception("this should not happen; please report it")
        raise
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _handler(path: Path, mode: str) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode=mode, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return handler
