"""What Snakemake's messages become on the screen."""

import io
import logging
import os
import sys
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from sdd.runtime.progress import HIDDEN
from snakemake_logger_plugin_sdd import LogHandler

SETTINGS = {
    "printshellcmds": False,
    "nocolor": True,
    "quiet": None,
    "debug_dag": False,
    "verbose": False,
    "show_failed_logs": True,
    "stdout": False,
    "dryrun": False,
}
FAILED = {"jobid": 1, "rule_name": "finetune", "log": [], "shellcmd": None}


def record(text, level=logging.INFO, **said):
    return logging.makeLogRecord({"msg": text, "levelno": level, "levelname": "INFO", **said})


def job(number, **said):
    said = {"rule_name": "finetune", "rule_msg": f"Fine-tuning {number}", "wildcards": {}, **said}
    return record("", event=LogEvent.JOB_INFO, jobid=number, local=True, **said)


def finished(number):
    return record("", event=LogEvent.JOB_FINISHED, job_id=number)


@pytest.fixture
def shown(monkeypatch):
    """What a handler shows of records, in a pipe."""
    pipe = io.StringIO()
    monkeypatch.setattr(os, "environ", dict(os.environ))

    def show(*records, **settings):
        # Here, not ahead of the test: pytest sets them anew when it begins.
        monkeypatch.setattr(sys, "stderr", pipe)
        monkeypatch.setattr(sys, "stdout", pipe)
        handler = LogHandler(SimpleNamespace(**{**SETTINGS, **settings}), None)
        handler.setFormatter(logging.Formatter())
        for one in records:
            handler.emit(one)
        handler.close()
        handler.close()
        return pipe.getvalue()

    return show


def test_snakemake_finds_it_by_its_name():
    registry = LoggerPluginRegistry()
    registry.collect_plugins()
    assert registry.get_plugin("sdd").log_handler is LogHandler


@pytest.mark.parametrize(
    ("said", "settings", "inherited"),
    [
        (None, {}, "1"),
        ("0", {}, "0"),
        (None, {"verbose": True}, None),
        ("0", {"dryrun": True}, "0"),
    ],
)
def test_bars_of_jobs_are_hidden_beside_its_own(shown, said, settings, inherited):
    os.environ.pop(HIDDEN, None)
    if said:
        os.environ[HIDDEN] = said
    shown(**settings)
    assert os.environ.get(HIDDEN) == inherited


def test_jobs_are_lines_and_routine_is_silent(shown):
    assert (
        shown(
            record("Building DAG of jobs..."),
            record("", event=LogEvent.RUN_INFO, stats={"finetune": 2, "total": 2}),
            record("Select jobs to execute..."),
            record("Updating checkpoint dependencies."),
            record("", event=LogEvent.JOB_STARTED, jobs=[1]),
            job(1, created=100.0),
            record("Job 1 has been submitted with SLURM jobid 7 (log: x)."),
            record(None, event=LogEvent.PROGRESS, done=0, total=3),
        )
        == "2 jobs to do\n"
    )


def test_the_words_of_a_job_are_its_message_or_its_rule(shown):
    lines = shown(
        record("", event=LogEvent.RUN_INFO, stats={"a": 2, "total": 2}),
        *(job(1), finished(1)),
        *(job(2, rule_msg=None, wildcards={"set": "itw"}), finished(2)),
    ).splitlines()
    assert lines[1].startswith("1 of 2  Fine-tuning 1 (")
    assert lines[2].startswith("2 of 2  finetune itw (")


@pytest.mark.parametrize(
    "message",
    [
        record("Something odd", logging.WARNING),
        record("Building DAG of jobs... is odd", logging.WARNING),
        record("Exiting because a job execution failed.", logging.ERROR),
        record("Nothing to be done (all requested files are present and up to date)."),
        record("Trying to restart job 2."),
        record("WorkflowError:\n[no] markup", event=LogEvent.ERROR, exception="WorkflowError"),
        record("RuleException:\nno job failed", event=LogEvent.ERROR, exception="RuleException"),
        record("", event=LogEvent.RUN_INFO, stats={"total": 0}),
    ],
    ids=lambda message: message.msg,
)
def test_what_one_acts_upon_is_shown_as_it_is(shown, message):
    assert shown(message).strip() == (message.msg or "0 jobs to do")


def test_a_failure_has_its_words_once(shown):
    error = record("RuleException:\nexit 1", event=LogEvent.ERROR, exception="RuleException")
    failure = record("Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, **FAILED)
    assert shown(job(1), error, failure) == (
        "Failed: Fine-tuning 1\n    RuleException:\n    exit 1\n"
    )


@pytest.mark.parametrize("asked", ["dryrun", "verbose", "printshellcmds", "debug_dag"])
def test_snakemake_s_own_words_where_they_are_asked_for(shown, asked):
    words = record("Job stats:\ntable", event=LogEvent.RUN_INFO, stats={"a": 2, "total": 2})
    assert shown(words, stdout=True, **{asked: True}) == "Job stats:\ntable\n"


def test_a_message_that_cannot_be_read_stops_nothing(shown):
    """As every handler: it complains on standard error and goes on."""
    said = shown(record("", event=LogEvent.JOB_FINISHED), record("Next", logging.WARNING))
    assert "KeyError: 'job_id'" in said
    assert said.endswith("Next\n")
