"""Commands whose standard streams are closed, full, gone or ASCII only; each in its own process."""

import os
import subprocess
import sys

import pytest

from tests.helpers.paths import CHECKOUT

SDD = [sys.executable, "-c", "import sys; from sdd.cli import main; sys.exit(main())"]
# Buffered, as output to a pipe or file is unless someone sets this.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src"), "PYTHONUNBUFFERED": ""}
SCORES = "".join(f"r{n},{n}.5,1\nf{n},-{n}.5,0\n" for n in range(1, 12))


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "café\n.csv"
    path.write_text(f"ID,Score,Label\n{SCORES}", encoding="utf-8")
    return path


def run(redirection, *arguments, **environment):
    """Run sdd under a shell, which redirects."""
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *SDD, *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**ENVIRONMENT, **environment},
        encoding="utf-8",
    )


def test_closed_output_is_one_line(scores):
    done = run(">&-", "eer", scores)
    assert done.returncode == 1
    assert done.stderr == (
        "error: Standard output is closed, so nothing can be shown: write to a file (-o).\n"
    )


def test_closed_streams_do_not_keep_from_writing_a_file(tmp_path):
    """What is opened meanwhile must not take the number of a stream."""
    target, two = tmp_path / "new.parquet", tmp_path / "two.csv"
    two.write_text('ID,Score,Label\na,"[0.5, 1.5]",1\n', encoding="utf-8")
    assert run("<&- >&- 2>&-", "convert-scores", two, target).returncode == 0
    assert target.read_bytes()[:4] == b"PAR1"


def test_full_output_is_one_line(scores):
    done = run(">/dev/full", "eer", scores)
    assert done.returncode == 1
    assert done.stderr == "error: Standard output cannot be written (No space left on device).\n"


def test_a_reader_that_has_gone_ends_it_quietly(scores):
    reader, writer = os.pipe()
    os.close(reader)
    for arguments in (["eer", scores], ["--help"], ["evaluate", "--json", scores]):
        done = subprocess.run(
            [*SDD, *map(str, arguments)],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            env=ENVIRONMENT,
        )
        assert done.stderr == b""
        # --help is argparse's own, which passes over it.
        assert done.returncode in ((141,) if arguments != ["--help"] else (0, 141))
    wrong = scores.with_name("none.csv")
    done = subprocess.run(
        [*SDD, "eer", str(scores), str(wrong)],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        env=ENVIRONMENT,
    )
    assert (done.returncode, b"none.csv" in done.stderr) == (1, True)
    os.close(writer)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX"},
    ],
)
def test_names_that_the_locale_cannot_show(scores, environment):
    done = run("", "eer", scores, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    line = done.stdout.splitlines()[1]
    assert line.endswith(
        "/caf\\xe9\\n.csv" if "PYTHONIOENCODING" in environment else "/café\\n.csv"
    )


def test_a_home_that_is_not_there(scores):
    for home in ({"HOME": "/proc/nohome"}, {"HOME": ""}):
        assert run("", "eer", scores, **home).returncode == 0
    assert run("", "eer", scores, MPLBACKEND="nonsense").returncode == 0


@pytest.mark.parametrize("as_utf8", [False, True])
def test_what_is_left_of_a_long_output_is_given_up(as_utf8):
    """Python would try again when it ends, and complain."""
    code = (
        "from sdd.errors import InputError; from sdd.runtime.standard_streams import *\n"
        f"try: write_out('line\\n' * 100_000, as_utf8={as_utf8})\n"
        "except InputError: leave_streams()"
    )
    done = subprocess.run(
        ["sh", "-c", '"$@" > /dev/full', "sh", sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert (done.returncode, done.stderr) == (0, b"")
