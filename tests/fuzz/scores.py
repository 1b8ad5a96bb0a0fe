"""Score files: our Parquet, AntiDeepfake's CSV and TSV, single scores, ASVspoof 5's text."""

import io
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.tables import TEXT_TOKENS, _variants
from tests.fuzz.target import Target

_TRIALS = 24


def _trials() -> Iterator[tuple[int, float, float, int]]:
    for number in range(_TRIALS):
        yield number, (number * 7 % 11) / 3 - 1, (number * 5 % 13) / 4 - 1, number % 2


def _csv(folder: Path) -> list[bytes]:
    two = "".join(f'u{n},"[{fake}, {real}]",{label}\n' for n, fake, real, label in _trials())
    one = "".join(f"u{n},{real},{label}\n" for n, _, real, label in _trials())
    header = "ID,Score,Label\n"
    return [
        *_variants(header + two),
        *_variants(header + one),
        (header + two).replace('"', "").replace(",", ";").replace("; ", ", ").encode(),
    ]


def _text(folder: Path) -> list[bytes]:
    labels = ("spoof", "bonafide")
    return _variants("".join(f"T E{n} {real} {labels[label]}\n" for n, _, real, label in _trials()))


def _parquet(folder: Path) -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers, fakes, reals, labels = zip(*_trials(), strict=True)
    columns = {
        "label": ["real" if label else "fake" for label in labels],
        "logit_fake": pa.array(fakes, pa.float32()),
        "logit_real": pa.array(reals, pa.float32()),
    }
    contents = []
    for names in ([f"s{number}" for number in numbers], list(numbers)):
        for options in ({}, {"compression": "none", "use_dictionary": False}):
            buffer = io.BytesIO()
            pq.write_table(pa.table({"segment_id": names, **columns}), buffer, **options)
            contents.append(buffer.getvalue())
    return contents


def _evaluate(folder: Path, path: Path) -> None:
    from sdd.analysis.score_file_evaluation import as_json, as_table, evaluate_files

    found, errors = evaluate_files([path], "logit")
    as_table(found)
    as_json(found)
    if errors:
        raise errors[0]


def _convert(folder: Path, path: Path) -> None:
    from sdd.scoring.score_files import read_score_file, write_score_file

    write_score_file(folder / "converted.tsv", read_score_file(path))


TARGETS = (
    Target("score-csv", "scores.csv", _csv, _evaluate, TEXT_TOKENS),
    Target("score-text", "scores.txt", _text, _evaluate, TEXT_TOKENS),
    Target("score-parquet", "scores.parquet", _parquet, _evaluate, (b"PAR1", b"\x15", b"\x19")),
    Target("score-convert", "convert.csv", _csv, _convert, TEXT_TOKENS),
)
