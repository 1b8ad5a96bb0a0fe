"""Processes of a test's own, from one fork server that has imported what they need."""

import os
import signal
import time
from multiprocessing import forkserver

import psutil

from sdd.runtime.stopping import SIGNALS
from sdd.runtime.worker_processes import PROCESSES

# What AdamW and RawBoost import when they are first used, too.
_IMPORTS = ["sdd.training.finetuning", "torch._dynamo", "scipy.fft"]


def start_server():
    """Start the server, unless it runs; loaders would start one that knows less."""
    PROCESSES.set_forkserver_preload(_IMPORTS)
    forkserver.ensure_running()


def begin_session():
    """Make this process the first of a session, which hears signals."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def living_of_session(leader):
    """List the processes of a session that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            ended = process.status() == psutil.STATUS_ZOMBIE
            if os.getsid(process.pid) == leader and not ended:
                found.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    return found


def wait_until_gone(leader):
    """Wait until no process of a session runs; one that stays keeps the test from ending."""
    while living_of_session(leader):
        time.sleep(0.01)


def run_to_the_end(target, *arguments):
    """Run a function in a process of its own; give the exit code, negative for a signal."""
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    process.join()
    wait_until_gone(process.pid)
    return process.exitcode


def signal_session_at(owner, name, call, number):
    """Let the n-th call of a function begin with a signal to all processes of this session."""
    function, calls = getattr(owner, name), []

    def counted(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            os.killpg(0, number)
        return function(*arguments, **options)

    setattr(owner, name, counted)
