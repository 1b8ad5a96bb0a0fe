"""What recordings there are in packages, and how they are read; subtitles."""

import numpy as np
import pytest
import soundfile

from sdd.data.audio.codecs import CODECS
from sdd.data.audio.coding import encoded, resampled
from sdd.data.audio.flac_files import to_16_bits
from sdd.data.study import recordings
from sdd.data.study.channels import CHANNELS
from sdd.data.study.game_files import Entry
from sdd.data.study.texts import read_texts
from sdd.errors import InputError
from tests.helpers.study_packages import RncWriter, queen_file

RATE = 16_000


def chirp(seconds=0.6, rate=RATE, top=2_000):
    time = np.arange(int(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * (300 * time + (top - 300) / 2 / seconds * time**2))


def likeness(one, other):
    size = min(one.size, other.size)
    return np.corrcoef(one[200:size], other[200:size])[0, 1]


def listed(found):
    return [(one.name, one.speaker, one.group, one.language) for one in found]


def put(folder, place, data=b""):
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(data)


def test_fillets_know_the_two_fish(tmp_path):
    sounds = "usr/share/games/fillets-ng/sound"
    put(tmp_path / "cs", f"{sounds}/airplane/cs/let-m-divna.ogg")
    put(tmp_path / "cs", f"{sounds}/gods/cs/b1-1.ogg")
    put(tmp_path / "nl", f"{sounds}/share/borejokes/nl/jok-v-a_1.ogg")
    folders = {f"fillets-ng-data-{name}": tmp_path / name for name in ("cs", "nl")}
    assert listed(recordings.fillets(folders)) == [
        ("cs-airplane-let-m-divna", "cs-m", "airplane", "cs"),
        ("cs-gods-b1-1", "-", "gods", "cs"),
        ("nl-share-borejokes-jok-v-a_1", "nl-v", "share-borejokes", "nl"),
    ]


def test_queen_takes_lines_of_dialogues(tmp_path):
    place = "usr/share/scummvm/flight-of-the-amazon-queen/queen.1c"
    sent = to_16_bits(resampled(chirp().astype(np.float32), RATE, 11_025))[0]
    mp3 = encoded(sent, CHANNELS["mp3"].codec, bitrate=16_000)
    data = queen_file({"12001FJ1.SB": mp3, "TOM_0826.SB": b"", "3A0001P2.SB": mp3, "A.PCX": b""})
    put(tmp_path, place, data)
    found = recordings.queen({"flight-of-the-amazon-queen": tmp_path})
    assert listed(found) == [
        ("12001fj1", "joe", "12", "en"),
        ("3a0001p2", "of-3a", "3A", "en"),
    ]
    assert likeness(found[0].read(), chirp()) > 0.9


def test_sky_is_unpacked_and_centred(tmp_path, monkeypatch):
    wave = chirp(0.4, 11_025)
    data = np.rint(128 + 127 * wave).astype(np.uint8).tobytes()
    writer = RncWriter()
    writer.block([(data[:4000], 1, 2), (b"", 1, 2)])
    packed = b"\x81" + bytes(21) + writer.packed(data[:4000] + data[3999:4000] * 2)
    folder = "usr/share/scummvm/beneath-a-steel-sky"
    put(tmp_path, f"{folder}/sky.dsk", b"head" + packed)
    put(tmp_path, f"{folder}/sky.dnr")
    monkeypatch.setattr(
        recordings, "sky_entries", lambda _: [Entry("0041", 4, len(packed), packed=True)]
    )
    (found,) = recordings.sky({"beneath-a-steel-sky": tmp_path})
    assert (found.name, found.group) == ("0041", "2")
    assert likeness(found.read(), chirp(0.4)) > 0.99


def test_prompts_in_g722_without_a_header(tmp_path):
    wav = encoded(to_16_bits(chirp())[0], CODECS["g722"])
    data = wav[wav.index(b"data") + 8 :]
    sounds = "usr/share/asterisk/sounds/fr_CA_f_June"
    for name in ("agent-pass", "beep", "silence/3", "digits/a_m"):
        put(tmp_path, f"{sounds}/{name}.g722", data)
    found = recordings.prompts({"asterisk-core-sounds-fr-g722": tmp_path}, ("fr",))
    assert listed(found) == [
        ("fr-agent-pass", "fr_CA_f_June", "fr_CA_f_June", "fr"),
        ("fr-digits-a_m", "fr_CA_f_June", "fr_CA_f_June", "fr"),
    ]
    wave = found[0].read()
    assert abs(wave.size - chirp().size) < 300
    assert likeness(wave[22:], chirp()) > 0.99


def test_telephones_speak_gsm(tmp_path):
    sounds = {"it-menardi-gsm": "it_IT_f_Menardi", "fr-armelle": "fr", "es-co": "es"}
    sent = to_16_bits(resampled(chirp().astype(np.float32), RATE, 8_000))[0]
    for name, voice in sounds.items():
        path = tmp_path / name / f"usr/share/asterisk/sounds/{voice}/hours.gsm"
        path.parent.mkdir(parents=True)
        soundfile.write(path, sent, 8_000, format="RAW", subtype="GSM610")
    folders = {f"asterisk-prompt-{name}": tmp_path / name for name in sounds}
    found = recordings.phone(folders)
    assert listed(found) == [
        ("it-hours", "it_IT_f_Menardi", "it_IT_f_Menardi", "it"),
        ("fr-hours", "fr-gsm", "fr-gsm", "fr"),
        ("es-hours", "es-gsm", "es-gsm", "es"),
    ]
    assert likeness(found[2].read(), chirp()) > 0.9


def test_other_packages_are_named(tmp_path):
    with pytest.raises(InputError, match="beneath-a-steel-sky is not in the list of packages"):
        recordings.sky({})
    with pytest.raises(InputError, match=r"queen\.1c is missing: another version of flight"):
        recordings.queen({"flight-of-the-amazon-queen": tmp_path})


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_keep_length_and_time(name):
    wave = np.concatenate([np.zeros(1_000), chirp(), np.zeros(777)])
    sent = CHANNELS[name].send(wave)
    assert sent.size == wave.size
    lags = range(-40, 41)
    match = [np.dot(np.roll(sent, lag), wave) for lag in lags]
    assert abs(lags[int(np.argmax(match))]) <= 2
    assert not np.array_equal(sent, wave)


def test_texts_are_subtitles_of_a_language(tmp_path):
    script = "usr/share/games/fillets-ng/script"
    lua = (
        'dialogId("a", "font_small", "What kind of\\nstrange ship is that?")\n'
        'dialogStr("Co je to za divnou \\"lo\u010f\\"?")\n\n'
        'dialogId("b", "font_big", "Too short.")\n'
        'dialogStr("Sedadla. Pro\u010d jsou tu sedadla?")\n'
    )
    put(tmp_path, f"{script}/airplane/dialogs_cs.lua", lua.encode())
    put(tmp_path, f"{script}/barrel/dialogs_cs.lua", lua.encode())
    folders = {"fillets-ng-data": tmp_path}
    assert read_texts(folders, "en") == ["What kind of strange ship is that?"]
    assert read_texts(folders, "cs") == [
        'Co je to za divnou "lo\u010f"?',
        "Sedadla. Pro\u010d jsou tu sedadla?",
    ]
    with pytest.raises(InputError, match="no texts in 'fi'"):
        read_texts(folders, "fi")
