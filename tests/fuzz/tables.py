"""Tables of corpora: a user's CSV, protocols, and the lists of releases."""

from pathlib import Path

from tests.fuzz.target import Target
from tests.helpers.releases import write_audio

_WORDS = (
    *('"', '""', ",", ";", "\t", "|", "\n", "\r", "\r\n", "\0", "\ufeff", "-", " ", "'", "="),
    *("nan", "inf", "1e400", "-1", "0", "1_000", "99999999999999999999", "0,5", "٣", "1e5"),
    *("real", "fake", "ID", "Label", "Path", "Start", "sep=;", "é", "e\u0301", "\u2028", "/"),
    *("$ROOT/", "..", "[", "]", "bonafide", "spoof", "\x1a", "\x85"),
)
TEXT_TOKENS = (*(word.encode() for word in _WORDS), b"\xff", b"\xfe\xff", b"\xe9")

_OWN = (
    "ID,Label,Path,Start,End,Duration,SampleRate,Speaker,Proportion\n"
    'a,real,a.wav,0,100,0.5,8000,"x, ""y""\nz",train\n'
    "b,fake,b.wav,-,-,-,-,-,test\n\n"
    "007,real,$ROOT/é.wav,0,200.0,1.5,16000,bob,-\n"
)
_PROTOCOL = (
    "ID,Label,Duration,SampleRate,Path,Attack,Speaker,Proportion,AudioChannel,AudioEncoding,"
    "AudioBitSample,Language,Start,End\n"
    "x,real,1.50,16000,$ROOT/a.wav,-,-,test,1,PCM_S,16,EN,0,24000\n"
    'y,fake,-1,-1,"$ROOT/b, ""c"".wav",TTS,s,-,-1,-,-1,-,-,-\n'
)


def _variants(text: str) -> list[bytes]:
    return [
        text.encode(),
        text.encode("utf-8-sig"),
        text.replace(",", ";").encode(),
        text.replace(",", "\t").replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
        text.encode("utf-16"),
        text.encode("latin-1"),
    ]


def _own(folder: Path) -> list[bytes]:
    for name in ("a", "b", "é"):
        write_audio(folder / f"{name}.wav", 0.1)
    return _variants(_OWN)


def _read_own(folder: Path, path: Path) -> None:
    from sdd.data.corpora.readers import read_corpus

    read_corpus("csv", folder, path=path)


def _list_own(folder: Path, path: Path) -> None:
    from sdd.data.corpora.readers import list_corpus

    list_corpus("csv", folder, path=path)


def _read_protocol(folder: Path, path: Path) -> None:
    from sdd.data.corpora.protocol import read_protocol, write_protocol

    frame = read_protocol(path)
    # What was read can be written and is the same then.
    again = folder / f"{path.name}.again.csv"
    write_protocol(frame.assign(Duration=frame["Duration"].round(2)), again)
    assert read_protocol(again)["ID"].tolist() == frame["ID"].tolist()


def _read_release(name: str):
    def run(folder: Path, path: Path) -> None:
        from sdd.data.corpora.readers import list_corpus
        from sdd.errors import InputError

        listing = list_corpus(name, folder, partitions=None)
        if listing.problems:
            raise InputError(listing.problems[0])

    return run


def _wild(folder: Path) -> list[bytes]:
    return _variants('file,speaker,label\n0.wav,A,spoof\n1.wav,"B, C",bona-fide\né.wav,A,spoof\n')


def _evaluation(folder: Path) -> list[bytes]:
    return _variants(
        "Filename,Ground Truth,Finetuning Set\na.mp3,Real,Train\nb.mp4,Fake,Test\né.dat,Unknown,\n"
    )


def _add(folder: Path) -> list[bytes]:
    return _variants("a.wav genuine\nb c.wav fake\n\né.wav fake\n")


def _deep_voice(folder: Path) -> list[bytes]:
    return _variants(
        "Audio: A-to-B_seg_1, start at: 0, end at: 100\nx\nAudio: é_seg_2, start at: 5, end at: 9\n"
    )


TARGETS = (
    Target("own-csv", "own.csv", _own, _read_own, TEXT_TOKENS),
    Target("own-tsv", "own.tsv", _own, _list_own, TEXT_TOKENS),
    Target("protocol", "protocol.csv", lambda _: _variants(_PROTOCOL), _read_protocol, TEXT_TOKENS),
    Target(
        "in-the-wild",
        "In-the-Wild/release_in_the_wild/meta.csv",
        _wild,
        _read_release("in_the_wild"),
        TEXT_TOKENS,
    ),
    Target(
        "deepfake-eval",
        "Deepfake-Eval-2024/audio-metadata-publish.csv",
        _evaluation,
        _read_release("deepfake_eval_2024"),
        TEXT_TOKENS,
    ),
    Target(
        "add2023", "ADD2023/Track1.2/testR2/label.txt", _add, _read_release("add2023"), TEXT_TOKENS
    ),
    Target(
        "deep-voice",
        "DeepVoice/DeepVoice_seg_log.txt",
        _deep_voice,
        _read_release("deep_voice"),
        TEXT_TOKENS,
    ),
)
