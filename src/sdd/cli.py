"""The command `sdd`: what can be done without the workflow.

Each sub-command has a function that adds its arguments and one that runs it. What is heavy to
import is imported where it runs.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from sdd.errors import InputError

INPUT_ERROR = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Parameters
    ----------
    arguments
        As on the command line, without the name of the program; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 after an error in what was given, which is shown as one line. Wrong
        arguments leave with status 2, as argparse does.
    """
    parser = argparse.ArgumentParser(prog="sdd", description="Speech deepfake detection.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_protocol(commands)
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        parsed.run(parsed)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return INPUT_ERROR
    return 0


def _add_protocol(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "protocol",
        help="write the protocol of a corpus as AntiDeepfake's CSV",
        description="Read a corpus as released and write its protocol as AntiDeepfake's CSV.",
    )
    command.add_argument(
        "name",
        metavar="NAME",
        help="deepfake_eval_2024 (dfe24), add2023 (add23), fake_or_real (for), deep_voice (dv), "
        "in_the_wild (itw), asvspoof2019_la (asv19); csv or folders for a corpus of your own",
    )
    command.add_argument("root", metavar="ROOT", type=Path, help="the folder that holds corpora")
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write; else standard output"
    )
    command.add_argument(
        "--partition",
        action="append",
        choices=["train", "valid", "test"],
        help="keep this partition only; may be given several times",
    )
    command.add_argument(
        "--allowed-missing",
        type=int,
        default=0,
        metavar="N",
        help="leave out up to N missing audio files instead of failing (default: 0)",
    )
    command.add_argument("--path", metavar="FILE", help="csv: the user's table")
    command.add_argument("--real", metavar="FOLDER", help="folders: real recordings")
    command.add_argument("--fake", metavar="FOLDER", help="folders: fake recordings")
    command.add_argument("--corpus", metavar="WORD", help="folders: what IDs begin with")
    command.set_defaults(run=_protocol)


def _protocol(arguments: argparse.Namespace) -> None:
    from sdd.corpora import format_protocol, read_corpus, write_protocol

    given = {name: getattr(arguments, name) for name in ("path", "real", "fake", "corpus")}
    protocol = read_corpus(
        arguments.name,
        arguments.root,
        partitions=arguments.partition,
        allowed_missing=arguments.allowed_missing,
        **{name: value for name, value in given.items() if value is not None},
    )
    if arguments.output is not None:
        write_protocol(protocol, arguments.output)
    else:
        # As bytes: a line end within a name must not be translated.
        sys.stdout.buffer.write(format_protocol(protocol).encode())
        sys.stdout.buffer.flush()
