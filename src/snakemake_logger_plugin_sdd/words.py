"""Times in words, and the lines that a screen shows of jobs."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table

from snakemake_logger_plugin_sdd.jobs import Job, Jobs, Remaining

MOST_RUNNING = 5
"""Lines for what runs; of more jobs the last line says how many."""
LAST_LINES = 8
"""Of a log, below a failure."""


def duration(seconds: float) -> str:
    """Return a time to two figures: `34 s`, `12 min`, `3 h 5 min`, `2 d 3 h`."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{max(0, round(seconds))} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def remaining_words(remaining: Remaining | None) -> str:
    """Say how long the rest may take; nothing while nothing is known."""
    if remaining is None:
        return ""
    if remaining.seconds < 60:
        return "less than a minute left" if remaining.whole else ""
    return f"{'about' if remaining.whole else 'more than'} {duration(remaining.seconds)} left"


def finished_line(jobs: Jobs, job: Job, now: float) -> str:
    """Say in a line that a job is done: for where there is no terminal."""
    width = len(str(jobs.total))
    line = f"{jobs.done:>{width}} of {jobs.total}  {job.words} ({duration(now - job.since)})"
    left = remaining_words(jobs.remaining(now))
    return f"{line}; {left}" if left else line


def failure_text(words: str, logs: Iterable[str], otherwise: str) -> str:
    """Say that a job failed, with the last lines of its logs.

    Parameters
    ----------
    otherwise
        What is known of it, where no log says anything.
    """
    ends = [_end_of_log(Path(log)) for log in logs]
    said = [text for text in ends if text]
    return "\n".join([f"Failed: {words}", *(said or [_indented(otherwise)])]).rstrip()


def _end_of_log(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # it was not written, or not on this machine
        return ""
    if not lines:
        return ""
    head = f"  {path}" + (f", its last {LAST_LINES} lines:" if len(lines) > LAST_LINES else ":")
    return "\n".join([head, _indented("\n".join(lines[-LAST_LINES:]))])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def status(jobs: Jobs, since: float, now: float) -> Group:
    """Draw the bar, and below it what runs and since when.

    Parameters
    ----------
    since
        When the run began, in seconds since the epoch.
    """
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    head.add_column(no_wrap=True, justify="right")
    counts = f"{jobs.done} of {jobs.total} jobs"
    counts += f", {jobs.failed} failed" if jobs.failed else ""
    left = remaining_words(jobs.remaining(now))
    times = ", ".join(filter(None, [duration(now - since), left]))
    head.add_row(ProgressBar(max(1, jobs.total), jobs.done), counts, times)
    body = Table.grid(padding=(0, 2), expand=True)
    body.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    body.add_column(no_wrap=True, justify="right")
    for words, time in running_rows(list(jobs.running.values()), now):
        body.add_row(words, time)
    return Group(head, body)


def running_rows(running: list[Job], now: float) -> list[tuple[str, str]]:
    """Say of each job what it does and since when; of many, the longest running and a count."""
    longest = sorted(running, key=lambda job: job.since)
    shown = longest if len(longest) <= MOST_RUNNING else longest[: MOST_RUNNING - 1]
    rows = [(f"  {job.words}", _since(job, now)) for job in shown]
    if len(shown) < len(longest):
        rows.append((f"  and {len(longest) - len(shown)} more", ""))
    return rows


def _since(job: Job, now: float) -> str:
    time = duration(now - job.since)
    return f"submitted {time} ago" if job.submitted else f"for {time}"
