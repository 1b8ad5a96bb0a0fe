"""What the workflow does about clusters."""

import subprocess
import sys

from sdd.runtime.cluster import last_known


def test_the_clusters_warning_ends_only_those_who_listen():
    """SIGUSR1 to all processes of a job: the outer one lives, the inner one takes notice."""
    inner = (
        "import os, signal, sys\n"
        "assert signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN\n"
        "signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))\n"
        "os.killpg(0, signal.SIGUSR1)\nsignal.pause()\n"
    )
    outer = (
        "import subprocess, sys\nfrom sdd.runtime.cluster import ignore_the_clusters_warning\n"
        "ignore_the_clusters_warning()\n"
        "sys.exit(subprocess.run(['bash', '-c', 'true; \"$@\"', '-', *sys.argv[1:]]).returncode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", outer, sys.executable, "-c", inner],
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 75


def test_what_was_last_known_is_given_while_there_is_no_answer():
    answers = iter([None, 120, None, 0, None])
    ask = last_known(lambda: next(answers), at_first=300)
    assert [ask() for _ in range(5)] == [300, 120, 120, 0, 0]
