"""The calm screen as a logger plugin of Snakemake: `snakemake --logger sdd`.

Snakemake finds it by the beginning of its name, and imports it in every run, before it reads a
Snakefile. So nothing here imports the library, which a workflow takes from its own checkout. What
Snakemake says stays whole in ``.snakemake/log``.
"""

import logging
import os
import sys
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_sdd.jobs import Job
from snakemake_logger_plugin_sdd.screen import screen_for

# Of every run or every job, and nothing that one acts upon.
ROUTINE = (
    "Assuming unrestricted shared filesystem usage",
    "Building DAG of jobs",
    "Conda environments: ignored",
    "Config file",
    "DAG of jobs will be updated",
    "Elapsed time",
    "Execute ",
    "Removing temporary output",
    "SLURM run ID",
    "Select jobs to execute",
    "Touching output file",
    "Updating checkpoint dependencies",
    "Using profile",
    "Using shell",
    "Using workflow specific profile",
    "host: ",
)
SUBMITTED = "has been submitted with SLURM jobid"
SHOWN_BY_THE_BAR = (
    LogEvent.WORKFLOW_STARTED,
    LogEvent.SHELLCMD,
    LogEvent.JOB_STARTED,
    LogEvent.GROUP_INFO,
    LogEvent.RESOURCES_INFO,
    LogEvent.DEBUG_DAG,
    LogEvent.RULEGRAPH,
)
HIDES_BARS_OF_JOBS = "TQDM_DISABLE"
"""Environment variable that jobs inherit: a screen has one bar."""
STYLES = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


class LogHandler(LogHandlerBase):
    """Tells a screen what Snakemake's messages say.

    Dry runs, and runs that were asked for more (``--verbose``, ``--printshellcmds``,
    ``--debug-dag``), are shown as Snakemake shows them.
    """

    def __post_init__(self) -> None:
        settings = self.common_settings
        stream = _writable(sys.stdout if settings.stdout else sys.stderr)
        asked = settings.dryrun or settings.verbose or settings.printshellcmds or settings.debug_dag
        self._snakemakes_own: logging.Handler | None = None
        if asked:
            from snakemake.logging import ColorizingTextHandler

            self._snakemakes_own = ColorizingTextHandler(settings.nocolor, stream)
        else:
            os.environ.setdefault(HIDES_BARS_OF_JOBS, "1")
        self._screen = screen_for(Console(file=stream, no_color=settings.nocolor or None))
        self._held: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message, or take down what it says of a job."""
        try:
            if self._snakemakes_own is not None:
                self._snakemakes_own.setFormatter(self.formatter)
                self._snakemakes_own.emit(record)
            else:
                self._take(record)
        except Exception:  # noqa: BLE001 (as every handler: else all further messages were lost)
            self.handleError(record)

    def close(self) -> None:
        """Say what is left to say, and leave the terminal as it was. May be called twice."""
        if self._snakemakes_own is None:
            self._release()
            self._screen.close()
        super().close()

    def _take(self, record: logging.LogRecord) -> None:
        event, said = getattr(record, "event", None), record.__dict__
        if event == LogEvent.JOB_ERROR:
            held, self._held = self._held, None
            known = str(held.msg) if held else said["shellcmd"] or ""
            self._screen.fail(said["jobid"], said["rule_name"], said["log"], known)
            return
        self._release()
        if event == LogEvent.RUN_INFO:
            counts = {rule: n for rule, n in said["stats"].items() if rule != "total"}
            self._screen.plan(counts)
        elif event == LogEvent.JOB_INFO:
            self._screen.start(said["jobid"], _job(record))
        elif event == LogEvent.JOB_FINISHED:
            self._screen.finish(said["job_id"])
        elif event == LogEvent.PROGRESS:
            self._screen.progress(said["done"], said["total"])
        elif event == LogEvent.ERROR and said.get("exception") == "RuleException":
            # The message of a failed job, which says less than its log, follows at once.
            self._held = record
        elif event not in SHOWN_BY_THE_BAR:
            self._say(record)

    def _release(self) -> None:
        """Show an error that no failed job followed."""
        held, self._held = self._held, None
        if held is not None:
            self._say(held)

    def _say(self, record: logging.LogRecord) -> None:
        text = self.format(record).strip()
        routine = text.startswith(ROUTINE) or SUBMITTED in text
        if text and text != "None" and not (routine and record.levelno <= logging.INFO):
            self._screen.say(text, STYLES.get(record.levelno, ""))

    @property
    def writes_to_stream(self) -> bool:
        """It does, in place of Snakemake's own handler."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """It does not; Snakemake's own log does."""
        return False

    @property
    def has_filter(self) -> bool:
        """None of its own: Snakemake's, which follows ``--quiet``."""
        return False

    @property
    def has_formatter(self) -> bool:
        """None of its own: Snakemake's, for dry runs and messages that are no event."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Nothing is drawn of it."""
        return False


def _writable(stream: TextIO | None) -> TextIO:
    """Return a stream that a closed terminal, or a locale without a letter, does not break."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _job(record: logging.LogRecord) -> Job:
    said = record.__dict__
    names = ", ".join(map(str, said["wildcards"].values()))
    words = said["rule_msg"] or f"{said['rule_name']} {names}".strip()
    return Job(said["rule_name"], words, record.created, submitted=not said["local"])
