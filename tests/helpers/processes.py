"""Processes of a test's own, from one fork server that has imported what they need."""

import os
import signal
import time
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from unittest import mock

import psutil

from sdd.runtime.stopping import SIGNALS
from sdd.runtime.worker_processes import PROCESSES

# What RawBoost imports when it is first used, too.
_IMPORTS = ["sdd.training.finetuning", "scipy.fft"]


def start_server():
    """Start the server, unless it runs; loaders would start one that knows less."""
    PROCESSES.set_forkserver_preload(_IMPORTS)
    forkserver.ensure_running()


def numbers_below(folder):
    """List a folder of /proc: threads, or open descriptors."""
    return {int(path.name) for path in Path("/proc/self", folder).iterdir()}


def fork_own_server():
    """Start a server for the workers of this process as its fork: a program would import again.

    Before anything is computed: a thread would be missing in the fork, and hold its locks forever.
    """
    assert len(numbers_below("task")) == 1

    def fork(_path, arguments, descriptors):
        server = os.fork()
        if server == 0:
            try:
                # As in a new program; who waits for the end of a pipe would wait for the server.
                for descriptor in numbers_below("fd") - {0, 1, 2, *descriptors}:
                    with suppress(OSError):
                        os.close(descriptor)
                exec(arguments[-1])  # what multiprocessing would give to a Python
            finally:
                os._exit(0)
        return server

    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    resource_tracker.ensure_running()  # which unblocks some
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    with mock.patch.object(forkserver.util, "spawnv_passfds", fork):
        forkserver.ensure_running()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


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
