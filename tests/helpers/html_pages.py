"""Reading pages as a browser would."""

from html.parser import HTMLParser


class TableReader(HTMLParser):
    """Collects the cells of a page's table and all it would load."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.loads, self.text = [], [], [], ""
        self._open = []
        self.feed(text)
        assert self._open == [], "unclosed elements"

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.loads += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag not in ("meta", "link", "br"):
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append({"text": "", "small": "", **attrs})

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "small" in self._open and self.rows:
            self.rows[-1][-1]["small"] += data
        elif {"td", "th"} & set(self._open):
            self.rows[-1][-1]["text"] += data.strip()
