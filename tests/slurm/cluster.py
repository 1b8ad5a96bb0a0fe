"""A Slurm of one node, the workflow on it, and what can be done to both."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).with_name("one_node_slurm.sh")
# Only how often Snakemake looks: minutes are right for jobs of hours.
POLLING = (
    "--slurm-init-seconds-before-status-checks=3",
    "--seconds-between-status-checks=2",
    "--latency-wait=15",
)


# However busy the machine: what takes longer never comes, and its name is worth more than a hang.
PATIENCE = 1800  # seconds


def wait_until(condition, what):
    """Give what a condition gives once it is true."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
        time.sleep(0.1)
    return found


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def one_node_slurm(*words):
    return command("bash", str(SCRIPT), *words)


def jobs(state=None):
    """Numbers of the queued and running jobs by the comment that Snakemake gives them."""
    only = ["--states", state] if state else []
    lines = command("squeue", "--noheader", "--format=%i|%k", *only).splitlines()
    return {comment: number for number, comment in (line.split("|", 1) for line in lines)}


def submitted(output):
    """Numbers of the jobs that a run of Snakemake submitted."""
    return re.findall(r"has been submitted with SLURM jobid (\d+)", output)


def attempts(output, cell):
    """Numbers of the jobs that a run of Snakemake submitted for a cell, in order."""
    lines = command("squeue", "--noheader", "--states=all", "--format=%i|%k").splitlines()
    comments = dict(line.split("|", 1) for line in lines)
    return [number for number in submitted(output) if comments[number] == cell.comment]


def state_of(number):
    return command("squeue", "--noheader", "--states=all", "--format=%T", "--jobs", number).strip()


def elapsed_seconds(number):
    """How long a job has run."""
    clock = command("squeue", "--noheader", "--states=all", "--format=%M", "--jobs", number)
    seconds = 0
    for part in clock.strip().split(":"):
        seconds = 60 * seconds + int(part)
    return seconds


def asked_for(number):
    """Minutes and memory in GB that a job asked for."""
    line = command("squeue", "--noheader", "--states=all", "--format=%l|%m", "--jobs", number)
    clock, memory = line.strip().split("|")
    hours, minutes, _ = ([0, 0, *map(int, clock.split(":"))])[-3:]
    factor = {"M": 1 / 1000, "G": 1.024}[memory[-1]]
    return 60 * hours + minutes, float(memory[:-1]) * factor


def processes():
    """Give (pid, Slurm job, rule, CUDA_VISIBLE_DEVICES) of the scripts that run in jobs."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
            script = re.search(r"/\.snakemake/scripts/\w+\.(\w+)\.py$", words[1])
            variables = (folder / "environ").read_text().split("\0")
        except (OSError, IndexError, UnicodeDecodeError):
            continue
        environment = dict(variable.split("=", 1) for variable in variables if "=" in variable)
        if script and "SLURM_JOB_ID" in environment:
            yield (
                int(folder.name),
                environment["SLURM_JOB_ID"],
                script[1],
                environment.get("CUDA_VISIBLE_DEVICES"),
            )


def is_there(pid):
    return Path(f"/proc/{pid}").exists()


def is_signalled(pid, number):
    """Whether a signal waits for a stopped process, or has ended it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
    waiting = re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)$", status, re.M)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in waiting)


class Lookout:
    """Looks again and again, in a thread of its own, as long as its block lasts."""

    pause = 0.25  # seconds

    def __enter__(self):
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _watch(self):
        while not self._ended.wait(self.pause):
            self.look()

    def look(self):
        raise NotImplementedError


@dataclass
class Watcher(Lookout):
    """Looks at the jobs' processes all the time."""

    devices: dict[str, str | None] = field(default_factory=dict)  # of fine-tuning jobs
    most_at_once: int = 0
    seen: dict[tuple[int, str], list[float]] = field(default_factory=dict)

    def look(self):
        now = time.monotonic()
        found = list(processes())
        training = {job: devices for _, job, rule, devices in found if rule == "finetune"}
        self.devices |= training
        self.most_at_once = max(self.most_at_once, len(training))
        for pid, job, _, _ in found:
            self.seen.setdefault((pid, job), [now, now])[1] = now

    def script_seconds(self):
        """Seconds that scripts ran, in all jobs together."""
        longest = {}
        for (_, job), (first, last) in self.seen.items():
            longest[job] = max(longest.get(job, 0.0), last - first)
        return sum(longest.values())


class Run:
    """`snakemake --profile slurm` in a copy of the checkout, in a session of its own."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.log = folder / f"snakemake-{time.monotonic_ns()}.out"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        program = Path(sys.executable).with_name("snakemake")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                # All that Snakemake says: tests read which jobs were submitted.
                [str(program), "--profile", "slurm", "--printshellcmds", *POLLING, *arguments],
                cwd=folder,
                env=environment | {"OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self):
        return self.log.read_text()

    def end(self, status=0):
        """Wait for the end; give what was printed."""
        try:
            ended = self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"Snakemake does not end:\n{self.output[-4000:]}") from None
        assert ended == status, self.output[-6000:]
        return self.output

    def kill(self):
        """SIGKILL: Snakemake can tell nobody."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Cell:
    """A cell's files, and the job that fine-tunes it."""

    def __init__(self, folder, algorithm):
        path = f"tiny_s/post/{algorithm}/round1"
        self.target = f"results/slurm/as_written/{path}/model.safetensors"
        self.comment = f"rule_finetune_wildcards_as_written_{path.replace('/', '_')}"
        self.folder = folder / "results/slurm/as_written" / path
        self.model = self.folder / "model.safetensors"
        self.state = self.folder / "state/model/state.pt"
        self.log = self.folder / "logs/finetune.log"
        self.attempts = self.folder / "logs/finetune_attempts.log"

    @property
    def owner(self):
        """(pid, job) of the process that trains; None if there is none."""
        lock = self.folder / "state/model.lock"
        try:
            words = re.match(r"process (\d+) on \S+ cluster job (\d+)$", lock.read_text())
        except FileNotFoundError:
            return None
        return (int(words[1]), words[2]) if words and is_there(words[1]) else None

    def has_saved(self):
        """Whether the process that trains has saved a state of its own."""
        lock = self.folder / "state/model.lock"
        try:
            return self.state.stat().st_mtime > lock.stat().st_mtime
        except FileNotFoundError:
            return False

    def freeze(self):
        """Stop the process once it has saved a state; give its pid and job."""
        with Freezer([self]) as freezer:
            return wait_until(lambda: freezer.frozen.get(self), f"{self.comment}: not frozen")

    def times_resumed(self):
        return self.attempts.read_text().count("going on from step")


class Freezer(Lookout):
    """Stops the processes of cells as soon as they have saved a state, so that none is too late."""

    pause = 0.02

    def __init__(self, cells):
        self.frozen = {}
        self._cells = list(cells)

    def look(self):
        for cell in self._cells:
            owner = cell.owner
            if owner and owner != self.frozen.get(cell) and cell.has_saved():
                os.kill(owner[0], signal.SIGSTOP)
                self.frozen[cell] = owner

    def take(self, cells):
        """Wait until one of these cells is frozen and leave it so; give it, its pid and job."""

        def taken():
            for cell in cells:
                if cell in self.frozen and cell.owner == self.frozen[cell]:
                    return cell
            return None

        cell = wait_until(taken, f"none of {[cell.comment for cell in cells]} is frozen")
        self._cells.remove(cell)
        return cell, *self.frozen[cell]
