"""A terminal as far as the screen of a run uses one: what stands on it, and where it scrolls."""

import re

_TOKEN = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|\x1b([78D])|([\r\n])|([^\x1b\r\n])")


class Terminal:
    """Takes text as a VT100 does: margins, moves, erasing of lines, saved cursor. No colours."""

    encoding = "utf-8"

    def __init__(self, columns, lines):
        self.columns, self.height = columns, lines
        self.rows = [[" "] * columns for _ in range(lines)]
        self.row = self.column = 0
        self.top, self.bottom = 0, lines - 1
        self._saved = (0, 0)

    def isatty(self):
        return True

    def flush(self):
        pass

    def write(self, text):
        for numbers, command, escape, control, letter in _TOKEN.findall(text):
            values = [int(number) for number in numbers.split(";") if number]
            if letter:
                self._put(letter)
            elif control == "\r":
                self.column = 0
            elif control or escape == "D":
                self._down()
                self.column = 0 if control else self.column
            elif escape == "7":
                self._saved = self.row, self.column
            elif escape == "8":
                self.row, self.column = self._saved
            else:
                self._command(command, values)

    def _command(self, command, values):
        if command == "r":
            self.top, self.bottom = (
                (values[0] - 1, values[1] - 1) if values else (0, self.height - 1)
            )
            self.row = self.column = 0
        elif command == "H":
            self.row, self.column = values[0] - 1, values[1] - 1
        elif command == "A":
            self.row = max(self.top, self.row - values[0])
        elif command == "K":
            self.rows[self.row] = [" "] * self.columns
        else:
            assert command == "m", command

    def _put(self, letter):
        if self.column == self.columns:
            self._down()
            self.column = 0
        self.rows[self.row][self.column] = letter
        self.column += 1

    def _down(self):
        if self.row == self.bottom:
            del self.rows[self.top]
            self.rows.insert(self.bottom, [" "] * self.columns)
        else:
            self.row += 1

    @property
    def text(self):
        """What stands there, without the spaces at the ends of lines."""
        return ["".join(row).rstrip() for row in self.rows]
