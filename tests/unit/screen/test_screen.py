"""What a run shows in terminals of 80 and 120 columns, in a pipe, and after it."""

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from snakemake_logger_plugin_sdd.bottom_lines import BottomLines
from snakemake_logger_plugin_sdd.jobs import Job, Remaining
from snakemake_logger_plugin_sdd.screen import PlainScreen, TerminalScreen, screen_for
from snakemake_logger_plugin_sdd.words import duration, remaining_words
from tests.helpers.terminals import Terminal

AT_80 = [
    "━━━━━━━━━━━━━━━━━━━━━━━━━━           3 of 4 jobs  1 min, less than a minute left",
    "  Fine-tuning tiny_l/post/grpo/round4                                   for 20 s",
]
AT_120 = [
    f"{56 * '━'}{21 * ' '}3 of 4 jobs  1 min, less than a minute left",
    f"  Fine-tuning tiny_l/post/grpo/round4{74 * ' '} for 20 s",
]
IN_A_PIPE = """\
4 jobs to do
1 of 4  Fine-tuning tiny_l/post/grpo/round1 (20 s); about 1 min left
2 of 4  Fine-tuning tiny_l/post/grpo/round2 (20 s); less than a minute left
3 of 4  Fine-tuning tiny_l/post/grpo/round3 (20 s); less than a minute left
"""


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


def finetuning(number, since):
    return Job("finetune", f"Fine-tuning tiny_l/post/grpo/round{number}", since)


def run(screen):
    """Three of four jobs end, a minute passes, and the last has run for 20 seconds."""
    clock = screen.now
    screen.plan({"finetune": 4})
    for number in (1, 2, 3):
        screen.start(number, finetuning(number, clock.seconds))
        clock.seconds += 20
        screen.finish(number)
    screen.start(4, finetuning(4, clock.seconds))
    clock.seconds += 20


@pytest.fixture
def shown():
    """A screen on a terminal, whose clock a test sets; it is closed afterwards."""
    screens = []

    def show(columns, lines=24):
        terminal = Terminal(columns, lines)
        console = Console(
            file=terminal, width=columns, height=lines, force_terminal=True, color_system=None
        )
        screens.append(TerminalScreen(console, Clock()))
        return terminal, screens[-1]

    yield show
    for screen in screens:
        screen.close()


@pytest.mark.parametrize(("columns", "expected"), [(80, AT_80), (120, AT_120)])
def test_a_terminal_shows_one_bar_and_what_runs(shown, columns, expected):
    terminal, screen = shown(columns)
    run(screen)
    screen.draw()
    assert [line for line in terminal.text if line] == expected


def test_a_pipe_gets_a_line_for_each_finished_job():
    file = io.StringIO()
    run(PlainScreen(Console(file=file, width=80), Clock()))
    assert file.getvalue() == IN_A_PIPE


def test_what_other_programs_write_is_never_drawn_over(shown):
    terminal, screen = shown(80, 12)
    run(screen)
    for number in range(20):
        terminal.write(f"a program's line {number}\n")
        screen.draw()
    screen.say("WorkflowWarning: [this] stays")
    screen.draw()
    above = [f"a program's line {number}" for number in range(12, 20)]
    assert terminal.text[:10] == [*above, "WorkflowWarning: [this] stays", ""]
    assert terminal.text[10:] == [*AT_80[:1], AT_80[1]]


def test_the_terminal_is_handed_back(shown):
    terminal, screen = shown(80, 12)
    run(screen)
    terminal.write("above\n")
    screen.close()
    screen.close()
    screen.draw()
    assert (terminal.top, terminal.bottom) == (0, 11)
    assert [line for line in terminal.text if line] == ["above"]
    assert (terminal.row, terminal.column) == (1, 0)


def test_more_jobs_than_lines_are_counted(shown):
    terminal, screen = shown(80)
    screen.plan({"finetune": 9})
    for number in range(7):
        screen.now.seconds += 1
        screen.start(number, finetuning(number, screen.now.seconds))
    lines = [line for line in terminal.text if line]
    assert len(lines) == 6
    assert lines[1].startswith("  Fine-tuning tiny_l/post/grpo/round0 ")
    assert lines[-1] == "  and 3 more"


def test_a_line_too_long_is_cut_and_a_cluster_s_job_may_still_wait(shown):
    terminal, screen = shown(80)
    screen.plan({"score": 1})
    screen.start(1, Job("score", "Scoring " + 20 * "long", screen.now.seconds, submitted=True))
    screen.now.seconds += 3700
    screen.draw()
    line = next(line for line in terminal.text if "Scoring" in line)
    assert line.endswith("longlong…  submitted 1 h 2 min ago")
    assert len(line) == 80


def test_a_terminal_that_changes_its_size_is_drawn_anew():
    terminal, size = Terminal(80, 12), [(80, 12)]
    lines = BottomLines(terminal, lambda: os.terminal_size(size[0]))
    lines.show(["one", "two"])
    size[0] = (80, 10)
    lines.show(["one", "two"])
    assert (terminal.top, terminal.bottom) == (0, 7)
    assert terminal.text[8:10] == ["one", "two"]


def test_a_failure_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / "finetune.log"
    log.write_text("".join(f"line {number}\n" for number in range(20)))
    file = io.StringIO()
    screen = PlainScreen(Console(file=file, width=80), Clock())
    screen.start(1, finetuning(1, 0.0))
    screen.fail(1, "finetune", [str(log), str(tmp_path / "none.log")], "otherwise")
    said = file.getvalue().splitlines()
    assert said[:2] == [
        "Failed: Fine-tuning tiny_l/post/grpo/round1",
        f"  {log}, its last 8 lines:",
    ]
    assert said[2:] == [f"    line {number}" for number in range(12, 20)]


def test_a_failure_without_a_log_shows_what_else_is_known():
    file = io.StringIO()
    screen = PlainScreen(Console(file=file, width=80), Clock())
    screen.fail(1, "finetune", ["none.log"], "the command:\nended with [1]")
    assert file.getvalue() == "Failed: rule finetune\n    the command:\n    ended with [1]\n"


def test_only_a_terminal_that_has_room_gets_a_bar():
    def chosen(**how):
        return type(screen_for(Console(file=io.StringIO(), width=80, **how)))

    assert chosen(force_terminal=True, height=24, _environ={"TERM": "xterm"}) is TerminalScreen
    assert chosen(force_terminal=True, height=8, _environ={"TERM": "xterm"}) is PlainScreen
    assert chosen(force_terminal=True, height=24, _environ={"TERM": "dumb"}) is PlainScreen
    assert chosen(force_terminal=False, height=24) is PlainScreen


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3569, "59 min"),
        (3599, "1 h 0 min"),
        (11100, "3 h 5 min"),
        (183600, "2 d 3 h"),
    ],
)
def test_times_in_words(seconds, words):
    assert duration(seconds) == words


def test_what_remains_in_words():
    assert remaining_words(None) == ""
    assert remaining_words(Remaining(130, whole=True)) == "about 2 min left"
    assert remaining_words(Remaining(130, whole=False)) == "more than 2 min left"
    assert remaining_words(Remaining(30, whole=True)) == "less than a minute left"
    assert remaining_words(Remaining(30, whole=False)) == ""


def test_it_imports_nothing_of_the_library():
    """Snakemake imports it in every run, and a workflow may be of another checkout."""
    code = (
        "import sys, snakemake_logger_plugin_sdd\n"
        "print([name for name in sys.modules if name.startswith('sdd')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
