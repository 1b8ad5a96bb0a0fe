"""A process that tries inputs: a line `TARGET SEED NUMBER` in, `begun` and a line of JSON out.

A process of its own, so that a crash or a hang of a library costs one input, and so that calls of
the shell or of the network are seen (Python's audit events) without touching anything else.
"""

import json
import os
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from sdd.data.audio import many_headers
from sdd.errors import InputError
from tests.fuzz.harness import BEGUN
from tests.fuzz.mutation import mutate
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.helpers.in_process import run_here

# What no file may make the software do.
FORBIDDEN_EVENTS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")
# What no message about a user's file may advise.
FORBIDDEN_WORDS = ("weights_only", "add_safe_globals", "delete")


class Canary(BaseException):
    """Something was called that no file may call; no handler of exceptions may hide it."""


def make_input(target: Target, seeds: Sequence[bytes], seed: str, number: int) -> bytes:
    """Make the bytes of an input; number 0 is a valid file as it is."""
    generator = random.Random(f"{target.name} {seed} {number}")
    if number == 0:
        return target.wrap(seeds[0])
    return target.wrap(mutate(seeds, target.tokens, generator))


def outcome(target: Target, folder: Path, path: Path) -> str:
    """Run the entry: `result`, `error` if it is one that names the file, else what went wrong."""
    try:
        target.run(folder, path)
    except InputError as error:
        text = str(error)
        if path.name not in text:
            return f"an InputError that does not name {path.name}: {text}"
        wrong = [word for word in FORBIDDEN_WORDS if word in text]
        return f"an InputError that says {wrong[0]!r}: {text}" if wrong else "error"
    except (Exception, Canary):  # noqa: BLE001 (any is a finding, and is reported whole)
        return traceback.format_exc()
    return "result"


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    warnings.simplefilter("ignore")
    # This is a process of its own already, and another one would not be watched.
    many_headers.run_expendable = run_here

    watching = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        # Only while an entry runs: imports may ask the shell for libraries.
        if watching and event.startswith(FORBIDDEN_EVENTS):
            raise Canary(f"{event} {arguments!r}")

    sys.addaudithook(watch)
    prepared: dict[str, tuple[Path, Sequence[bytes]]] = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for name in TARGETS:
            folder = Path(scratch, name)
            folder.mkdir()
            prepared[name] = (folder, ())
        for line in sys.stdin:
            name, seed, number = line.split()
            target, (folder, seeds) = TARGETS[name], prepared[name]
            if not seeds:
                seeds = target.prepare(folder)
                prepared[name] = (folder, seeds)
            path = folder / target.file
            path.parent.mkdir(parents=True, exist_ok=True)
            data = make_input(target, seeds, seed, int(number))
            path.write_bytes(data)
            answers.write(BEGUN.decode())
            answers.flush()
            watching = True
            found = outcome(target, folder, path)
            watching = False
            answer = {"outcome": found}
            if found not in ("result", "error"):
                answer["input"] = data.hex()
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
