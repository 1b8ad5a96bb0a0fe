"""A job's log has what went wrong; the screen has a user's error in one line."""

import logging
import os
import subprocess
import sys
import warnings

import pytest

from sdd.errors import InputError
from sdd.runtime.job_log import logged


@pytest.fixture(autouse=True)
def unchanged_logging():
    """Put back what a job's own process would keep until it ends."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    assert root.handlers == handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_log_of_a_job_that_succeeds(tmp_path, capsys):
    log = tmp_path / "logs" / "job.log"
    with logged(log):
        logging.getLogger("sdd.scoring.set_scoring").info("scored %d of %d", 3, 4)
        logging.getLogger("sdd").debug("detail")
    assert log.read_text(encoding="utf-8").endswith("INFO scored 3 of 4\n")
    assert "detail" not in log.read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""


def test_a_display_that_is_inherited_does_not_count(tmp_path):
    """A notebook sets the first for what it starts; matplotlib's import ends at either."""
    code = (
        "import sys; from pathlib import Path; from sdd.runtime.job_log import logged\n"
        "with logged(sys.argv[1]):\n"
        "    from sdd.presentation.figures.style import save_figure\n"
        "    from matplotlib.figure import Figure\n"
        "    save_figure(Figure(), [Path(sys.argv[2])], dpi=10)\n"
    )
    for backend in ("module://matplotlib_inline.backend_inline", "nonsense"):
        figure = tmp_path / f"{len(backend)}.png"
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "job.log", figure],
            env={**os.environ, "MPLBACKEND": backend},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert figure.read_bytes()[1:4] == b"PNG"


def test_log_begins_anew(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("of the run before\n", encoding="utf-8")
    with logged(str(log)):
        pass
    assert log.read_text(encoding="utf-8") == ""


def test_user_s_error_is_one_line_and_status_1(tmp_path, capsys):
    log = tmp_path / "job.log"
    message = "a.csv: row 2, Label 'raal' is unknown; write real or fake – or √"
    with pytest.raises(SystemExit) as caught, logged(log):
        raise InputError(message)
    assert caught.value.code == 1
    assert caught.value.__suppress_context__  # no traceback behind it
    assert capsys.readouterr().err == f"error: {message}\n"
    text = log.read_text(encoding="utf-8")
    assert text.endswith(f"ERROR {message}\n")
    assert text.count("\n") == 1
    assert "Traceback" not in text


def test_percent_signs_in_an_error_are_text(tmp_path, capsys):
    with pytest.raises(SystemExit), logged(tmp_path / "job.log"):
        raise InputError("100 %s of 5 %d")
    assert capsys.readouterr().err == "error: 100 %s of 5 %d\n"
    assert "100 %s of 5 %d" in (tmp_path / "job.log").read_text(encoding="utf-8")


def test_other_errors_pass_with_their_traceback_in_the_log(tmp_path, capsys):
    log = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError), logged(log):
        _ = 1 / 0
    text = log.read_text(encoding="utf-8")
    assert "please report it" in text
    assert "Traceback (most recent call last)" in text
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert capsys.readouterr().err == ""  # Python shows the exception itself


@pytest.mark.parametrize("error", [SystemExit(75), KeyboardInterrupt()])
def test_wish_to_stop_is_no_error(tmp_path, error):
    log = tmp_path / "job.log"
    with pytest.raises(type(error)) as caught, logged(log):
        raise error
    assert caught.value is error
    assert log.read_text(encoding="utf-8") == ""


def test_warnings_go_to_the_log(tmp_path, capsys):
    log = tmp_path / "job.log"
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with logged(log):
            warnings.warn("few segments", stacklevel=1)
    assert "UserWarning: few segments" in log.read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""


def test_log_is_closed(tmp_path):
    with logged(tmp_path / "one.log"):
        pass
    with logged(tmp_path / "two.log"):
        logging.getLogger().info("second")
    assert (tmp_path / "one.log").read_text(encoding="utf-8") == ""


def test_process_of_a_job(tmp_path):
    """What Snakemake sees: status 1 and one line; another error has a traceback."""
    script = (
        "import sys\nfrom sdd.errors import InputError\nfrom sdd.runtime.job_log import logged\n"
        "with logged(sys.argv[1]):\n    raise {}\n"
    )
    log = str(tmp_path / "job.log")
    user = subprocess.run(
        [sys.executable, "-c", script.format("InputError('no such file')"), log],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (user.returncode, user.stderr) == (1, "error: no such file\n")
    other = subprocess.run(
        [sys.executable, "-c", script.format("KeyError('inner')"), log],
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 1
    assert other.stderr.startswith("Traceback")
    assert other.stderr.endswith("KeyError: 'inner'\n")


def test_a_log_of_all_attempts_is_added_to(tmp_path):
    log, attempts = tmp_path / "job.log", tmp_path / "job_attempts.log"
    for number in range(2):
        with logged(log, attempts=attempts):
            logging.getLogger().info("attempt %d", number)
    assert log.read_text(encoding="utf-8").endswith("INFO attempt 1\n")
    assert [line[-9:] for line in attempts.read_text(encoding="utf-8").splitlines()] == [
        "attempt 0",
        "attempt 1",
    ]
    assert log.read_text(encoding="utf-8").count("\n") == 1
