"""The command `sdd`: what can be done without the workflow.

Each sub-command has a function that adds its arguments and one that runs it. What is heavy to
import is imported where it runs.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.cli import export, score_files, values
from sdd.errors import InputError, one_line
from sdd.runtime.outputs import STANDARD_OUTPUT, check_output
from sdd.runtime.standard_streams import (
    CLOSED_PIPE,
    insist_on_utf8,
    leave_streams,
    mend_streams,
    require_output,
    tell,
    write_out,
)

if TYPE_CHECKING:
    from sdd.scoring.judging import Judge

INPUT_ERROR = 1
INTERRUPTED = 130
"""As a shell shows it: 128 and SIGINT."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Parameters
    ----------
    arguments
        As on the command line, without the name of the program; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 after an error in what was given, which is shown as one line, or if
        some of it could not be used; 141 if the reader of the output has gone, 130 after Ctrl-C.
        Wrong arguments leave with status 2, as argparse does.
    """
    if arguments is None:
        insist_on_utf8()
    mend_streams()
    try:
        return _run(_parser().parse_args(arguments))
    except InputError as error:
        tell(f"error: {one_line(str(error))}\n")
        return INPUT_ERROR
    except BrokenPipeError:
        return CLOSED_PIPE
    except KeyboardInterrupt:
        tell("error: interrupted; nothing was written.\n")
        return INTERRUPTED
    finally:
        leave_streams()


def _run(parsed: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
    _require_working_folder()
    status: int | None = parsed.run(parsed)
    return status or 0


def _require_working_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise InputError(
            f"The working folder cannot be used ({error.strerror}): change to one that is there."
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sdd", description="Speech deepfake detection.")
    parser.add_argument(
        "--version", action=_ShowVersions, nargs=0, help="show versions of this program and exit"
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_protocol(commands)
    _add_score(commands)
    export.add_command(commands)
    score_files.add_commands(commands)
    return parser


class _ShowVersions(argparse.Action):
    """Shows what results of the commands depend on; looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import platform
        from importlib.metadata import version

        write_out(
            f"sdd-grpo {version('sdd-grpo')} "
            f"(torch {version('torch')}, Python {platform.python_version()})\n"
        )
        parser.exit()


def _add_protocol(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "protocol",
        help="write the protocol of a corpus as AntiDeepfake's CSV",
        description="Read a corpus as released and write its protocol as AntiDeepfake's CSV.",
    )
    command.add_argument(
        "name",
        metavar="NAME",
        type=values.text,
        help="deepfake_eval_2024 (dfe24), add2023 (add23), fake_or_real (for), deep_voice (dv), "
        "in_the_wild (itw), asvspoof2019_la (asv19); csv or folders for a corpus of your own",
    )
    command.add_argument(
        "root", metavar="ROOT", type=values.path, help="the folder that holds corpora"
    )
    command.add_argument(
        "-o",
        "--output",
        type=values.path,
        default=STANDARD_OUTPUT,
        metavar="FILE",
        help="CSV to write; else standard output",
    )
    command.add_argument(
        "--partition",
        action="append",
        choices=["train", "valid", "test"],
        help="keep this partition only; may be given several times",
    )
    command.add_argument(
        "--allowed-missing",
        type=values.count,
        default=0,
        metavar="N",
        help="leave out up to N missing audio files instead of failing (default: 0)",
    )
    command.add_argument("--path", type=values.text, metavar="FILE", help="csv: the user's table")
    command.add_argument(
        "--real", type=values.text, metavar="FOLDER", help="folders: real recordings"
    )
    command.add_argument(
        "--fake", type=values.text, metavar="FOLDER", help="folders: fake recordings"
    )
    command.add_argument(
        "--corpus", type=values.text, metavar="WORD", help="folders: what IDs begin with"
    )
    command.set_defaults(run=_protocol)


def _protocol(arguments: argparse.Namespace) -> None:
    from sdd.data.corpora import read_corpus
    from sdd.data.corpora.protocol import format_protocol, write_protocol

    _check_protocol_output(arguments.output, arguments.root, arguments.path)
    given = {name: getattr(arguments, name) for name in ("path", "real", "fake", "corpus")}
    protocol = read_corpus(
        arguments.name,
        arguments.root,
        partitions=arguments.partition,
        allowed_missing=arguments.allowed_missing,
        **{name: value for name, value in given.items() if value is not None},
    )
    if arguments.output == STANDARD_OUTPUT:
        write_out(format_protocol(protocol), as_utf8=True)
    else:
        write_protocol(protocol, arguments.output)


def _check_protocol_output(output: Path, root: Path, table: str | None) -> None:
    from sdd.data.paths import resolve_path

    if output == STANDARD_OUTPUT:
        require_output()
        return
    inputs = [resolve_path(table, root, Path.cwd())] if table is not None else []
    check_output(output, suffixes=[".csv"], inputs=inputs)


def _add_score(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "score",
        help="score recordings with a detector",
        description="Show the probability that recordings are fake, as a table or CSV. It is what "
        "the detector says, and not calibrated but with --calibration: see docs/scoring.md.",
    )
    command.add_argument(
        "recordings",
        metavar="AUDIO",
        type=values.path,
        nargs="+",
        help="recordings, or their folders",
    )
    command.add_argument(
        "-m",
        "--model",
        type=values.text,
        required=True,
        metavar="MODEL",
        help="the detector: a model.safetensors of the workflow or the folder that holds it, the "
        "authors' .ckpt, or hf://owner/name@revision[/file] on the Hugging Face hub",
    )
    command.add_argument(
        "-a",
        "--architecture",
        type=values.text,
        metavar="NAME",
        help="of the detector, where its file does not say (.ckpt): xlsr_2b, xlsr_1b, mms_1b, "
        "mms_300m, w2v_large, w2v_small, hubert_xl, or fairseq's keys as JSON",
    )
    command.add_argument(
        "-o",
        "--output",
        type=values.path,
        metavar="FILE",
        help="CSV to write, - to print it; else a table is shown",
    )
    command.add_argument(
        "--window",
        type=values.positive,
        default=15.0,
        metavar="SECONDS",
        help="cut longer recordings into windows of at most this; inf: never (default: 15)",
    )
    command.add_argument(
        "--each-window", action="store_true", help="a row for each window, not for each recording"
    )
    _add_calibration(command)
    _add_computing(command)
    command.set_defaults(run=_score)


def _add_calibration(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--calibration",
        type=values.path,
        metavar="FILE",
        help="of this detector (sdd calibrate, or a cell's calibration.json): also show the "
        "natural-log likelihood ratio of real to fake, the probability of fake, and a decision",
    )
    command.add_argument(
        "--prior",
        type=values.share,
        metavar="P",
        help="how often a recording is fake, before it is heard (default: that of the calibration)",
    )
    command.add_argument(
        "--costs",
        type=values.positive,
        nargs=2,
        default=[1.0, 1.0],
        metavar=("MISS", "FALSE_ALARM"),
        help="of a real recording decided fake, and of a fake one decided real (default: 1 1)",
    )


def _add_computing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        type=values.text,
        default="auto",
        help="cpu, cuda, cuda:1, ...; auto: cuda where there is one",
    )
    command.add_argument(
        "--threads", type=values.at_least_one, metavar="N", help="CPU threads (default: torch's)"
    )
    command.add_argument(
        "--batch-seconds",
        type=values.positive,
        metavar="SECONDS",
        help="audio of a forward pass (default: 8 on a CPU, 100 elsewhere)",
    )
    command.add_argument(
        "--precision",
        choices=["fp32", "tf32", "bf16"],
        default="fp32",
        help="of a GPU; tf32 and bf16 are faster (default: fp32)",
    )


def _judge(arguments: argparse.Namespace) -> "Judge | None":
    from sdd.scoring.calibrations import read_calibration
    from sdd.scoring.judging import make_judge

    if arguments.calibration is None:
        if arguments.prior is not None or arguments.costs != [1.0, 1.0]:
            raise InputError("--prior and --costs need a calibration: name one (--calibration).")
        return None
    return make_judge(read_calibration(arguments.calibration), arguments.prior, *arguments.costs)


def _score(arguments: argparse.Namespace) -> int:
    judge = _judge(arguments)  # before seconds of imports
    from sdd.scoring.command import score_command

    return score_command(
        arguments.recordings,
        arguments.model,
        architecture=arguments.architecture,
        output=arguments.output,
        window_seconds=arguments.window,
        each_window=arguments.each_window,
        device=arguments.device,
        threads=arguments.threads,
        batch_seconds=arguments.batch_seconds,
        precision=arguments.precision,
        judge=judge,
    )
