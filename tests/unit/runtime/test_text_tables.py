"""Tables of users: read cell by cell, or refused with the row that an editor shows."""

import pytest

from sdd.errors import InputError
from sdd.runtime.text_tables import read_own_table, read_text_table

WANTED = ("ID", "Label", "Path")


def table_of(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "ID,Label,Path\n007,real,a b.wav\n0,fake,c\n"),
        ("t.csv", "\ufeffID,Label,Path\r\n007,real,a b.wav\r\n0,fake,c"),
        ("t.csv", "ID,Label,Path\r007,real,a b.wav\r0,fake,c\r"),
        ("t.csv", "ID;Label;Path\n007;real;a b.wav\n0;fake;c\n"),
        ("t.csv", "ID\tLabel\tPath\n007\treal\ta b.wav\n0\tfake\tc\n"),
        ("t.tsv", "ID\tLabel\tPath\n007\treal\ta b.wav\n0\tfake\tc\n"),
        ("t.tsv", "ID,Label,Path\n007,real,a b.wav\n0,fake,c\n"),
        ("t.csv", 'sep=;\nID;Label;Path\n"007";"real";"a b.wav"\n0;fake;c\n'),
        ("t.csv", "sep=|\nID|Label|Path\n007|real|a b.wav\n0|fake|c\n"),
        ("t.csv", " ID , Label,Path,,\n007,real,a b.wav,,\n0,fake,c,,\n"),
    ],
)
def test_separators_marks_and_line_ends(tmp_path, name, text):
    table = read_text_table(table_of(tmp_path, text, name), WANTED)
    assert table.columns == list(WANTED)
    # Text as it stands: 007 stays, and 0 is an ID.
    assert table.rows == [["007", "real", "a b.wav"], ["0", "fake", "c"]]


def test_a_separator_within_quotes_is_none(tmp_path):
    path = table_of(tmp_path, '"a;b;c;d",ID\n"1;2",x\n')
    assert read_text_table(path, ("ID",)).rows == [["1;2", "x"]]


def test_rows_are_counted_as_an_editor_does(tmp_path):
    text = '\n\nID,Label,Path\n  \na,real,"x\ny"\n\r\nb,fake,"p\r\n""q"""\nc,real,z\n'
    table = read_text_table(table_of(tmp_path, text), WANTED)
    assert table.column("Path") == ["x\ny", 'p\r\n"q"', "z"]
    assert table.lines == [5, 8, 10]
    assert table.records()[2] == {"ID": "c", "Label": "real", "Path": "z"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # An unclosed quote: to the end, to a later quote, and to one that pairs up with it.
        ('ID,Label,Path\na,real,"x\nb,fake,y\n', r"row 2: a double quote is opened and not closed"),
        (
            'ID,Label,Path\na,real,x\n\nb,fake,"y\nc,real,"z, 1"\n',
            r"row 4: a double quote is opened .* rows up to 5 would be swallowed",
        ),
        ('ID,Label,Path\na,real,"x\nb,fake,y"\nc,real,z\n', "row 2: its quoted cell runs over 2 l"),
        ('ID,Label,Path\na,"real,x\nb,fake",y\n', "row 2: .* looks like a row of its own"),
        ('ID,Label,Path\na,real,"x"y\n', "row 2: a cell goes on after its closing quote"),
        ('ID,Label,Path\na,real,5" tape\n', "row 2: a cell without quotes around it holds a quote"),
        ('ID,Label,Path\na,real, "x, y"\n', "row 2: a cell without quotes around it holds a quote"),
        ('"ID,Label,Path\na,real,x\nb",fake,y\n', "row 1: the name of a column has a line break"),
        ('ID,Label,Path\na,real,"' + "x" * 200_000, "row 2: a double quote is opened and not"),
        ("ID,Label,Path\n\na,real,x,y\n", "row 3: 4 cells where the header has 3; put names"),
        ("ID,Label,Path\na,real\n", "row 2: 2 cells where the header has 3; the row is cut short"),
        ("ID,Label,Path,Path\na,real,x,y\n", "two columns have the same name, 'Path'"),
        ("ID,Label,Path, Path \na,real,x,y\n", "two columns have the same name, 'Path'"),
        ("ID,Label,Path,\na,real,x,y\n", "row 2: 'y' stands in column 4, which has no name"),
        ("ID|Label|Path\na|real|x\n", r"separated by '\|'; separate them by commas, semicolons"),
        ("ID Label Path\na real x\n", "separated by spaces"),
        ("", "is empty"),
        (" \n\r\n\t\n", "is empty"),
        ("sep=;\n", "is empty"),
        ("ID,Label,Path\na,real,x\0y\n", "row 2: a NUL character"),
        ("ID,Label,Path\na,real,é\n".encode("latin-1"), r"byte 0xE9 in row 2 .*iconv -f WINDOWS"),
        ("ID,Label,Path\na,real,x\n".encode("utf-16"), "is in UTF-16 .*iconv -f UTF-16"),
        ("ID,Label,Path\na,real,x\n".encode("utf-16-be"), "is in UTF-16"),
        ("ID,Label,Path\na,real,x\n".encode("utf-32"), "is in UTF-32"),
        (b"PK\x03\x04\x14\0\6\0", "zip archive or an Excel workbook"),
        (b"\x1f\x8b\x08\0", "is a gzip archive"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "Git LFS pointer.*lfs pull",
        ),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PAR1\0\0", "is a Parquet file"),
    ],
)
def test_tables_that_are_refused(tmp_path, content, message):
    path = table_of(tmp_path, content)
    with pytest.raises(InputError, match=message) as caught:
        read_text_table(path, WANTED)
    assert str(caught.value).startswith(str(path))


def test_places_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv cannot be read: No such file"):
        read_text_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read: it is a folder: name a file in it"):
        read_text_table(tmp_path)
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        read_text_table(tmp_path / f"{300 * 'x'}.csv")


def test_a_cell_may_have_line_breaks(tmp_path):
    # None of its lines has the separators of a row; of our own tables nothing is guessed at all.
    text = 'ID,Label,Path\na,real,"one, two,\nthree\nfour, five, six, seven"\n'
    assert read_text_table(table_of(tmp_path, text), WANTED).lines == [2]
    text = 'a,b\n1,"x\ny,z"\n'
    assert read_own_table(table_of(tmp_path, text)).rows == [["1", "x\ny,z"]]


def test_only_the_first_column_may_lack_a_name(tmp_path):
    # pandas writes its index so.
    table = read_text_table(table_of(tmp_path, ",ID,Label\n0,a,real\n1,b,fake\n"), ("ID", "Label"))
    assert table.columns == ["", "ID", "Label"]


def test_names_of_columns_match_in_any_form_of_unicode(tmp_path):
    path = table_of(tmp_path, "ide\u0301e,x\n1,2\n")
    assert read_text_table(path, ("id\u00e9e",)).column("id\u00e9e") == ["1"]
