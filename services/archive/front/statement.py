"""Reading a statement as far as a server must: where its data begins, what it may not name.

chdb reads statements as ``clickhouse-local`` does, which may read and write the machine's files. A
server may not. Grants (see ``config``) close table functions and engines; files named by the
statement itself, the scalar function ``file`` and the table function ``Python`` know no grant, so
their names are refused here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.archive.front.failure import ACCESS_DENIED, SYNTAX_ERROR, refused

# After ClickHouse's src/Parsers/Lexer.cpp. Statements are read as Latin-1, a character a byte, so
# that places are those of the body and data that is no text does no harm; hence the typographic
# quotes as their bytes.
_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/ )
    | (?P<string> '(?:[^'\\]|\\.|'')*' | \xe2\x80\x98.*?\xe2\x80\x99
                | \$(?P<tag>[^$]*)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*` | \xe2\x80\x9c.*?\xe2\x80\x9d )
    | (?P<word> [A-Za-z_$][A-Za-z0-9_$]* )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<end> ; )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_FORBIDDEN: Final = frozenset({"file", "python", "infile", "outfile"})
_ROWS: Final = frozenset(
    {"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"}
)
_SELECTS: Final = frozenset({"SELECT", "WITH", "FROM"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement without data: ``text[:ends_at]``."""

    ends_at: int
    gives_rows: bool
    output_format: str | None = None


@dataclass(frozen=True, slots=True)
class Insert:
    """An insert of data: its target ends at ``settings_at``, its SETTINGS at ``ends_at``."""

    settings_at: int
    ends_at: int
    input_format: str
    data_at: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int
    depth: int


def read(text: str) -> Statement:
    """The one statement in ``text``; raises ``Failure`` for none, several, or one naming files."""
    tokens = _tokens(text)
    first = next((token for token in tokens if token.kind != "open"), None)
    if first is None or first.kind == "end":
        raise refused(SYNTAX_ERROR, "Empty query")
    return _plain(text, first, tokens)


def read_insert(text: str) -> Insert | None:
    """The insert that ``text`` begins with, if it takes data; what follows need not be text.

    Raises ``Failure`` when it names a file.
    """
    tokens = _tokens(text)
    first = next(tokens, None)
    if first is None or first.text.upper() != "INSERT":
        return None
    settings_at = None
    for token in tokens:
        word = token.text.upper()
        if token.kind == "end" or word in _SELECTS:
            return None
        if token.depth or token.kind != "word":
            continue
        if word == "SETTINGS":
            settings_at = token.start
        elif word == "VALUES":
            return Insert(settings_at or token.start, token.start, "Values", token.end)
        elif word == "FORMAT" and (named := next(tokens, None)) and named.kind == "word":
            data_at = _after_line(text, named.end)
            return Insert(settings_at or token.start, token.start, named.text, data_at)
    return None


def _plain(text: str, first: _Token, tokens: Iterator[_Token]) -> Statement:
    ends_at, output_format, before = len(text), None, first
    for token in tokens:
        if token.kind == "end":
            ends_at = token.start
            _refuse_another(tokens)
            break
        if token.depth == 0 and token.kind == "word" and before.text.upper() == "FORMAT":
            output_format = token.text
        elif (
            token.depth == 0
            and token.text.upper() not in {"SETTINGS", "="}
            and before.text == output_format
        ):
            # It was a column called `format`: the clause stands at the end, or before SETTINGS.
            output_format = None
        before = token
    return Statement(ends_at, first.text.upper() in _ROWS, output_format)


def _tokens(text: str) -> Iterator[_Token]:
    """Everything but space and comments; raises ``Failure`` at a name that reads files."""
    depth = 0
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind == "space":
            continue
        depth -= kind == "close"
        token = _Token(kind, found[0], found.start(), found.end(), depth)
        depth += kind == "open"
        _refuse_files(token)
        yield token


def _refuse_files(token: _Token) -> None:
    if token.kind not in {"word", "quoted"}:
        return
    name = token.text.strip('"`')
    if name.lower() in _FORBIDDEN:
        raise refused(ACCESS_DENIED, f"{name}: the archive reads and writes no other files")
    if token.kind == "quoted" and "\\" in name:
        raise refused(ACCESS_DENIED, f"{token.text}: names with escapes are not taken")


def _refuse_another(tokens: Iterator[_Token]) -> None:
    for token in tokens:
        if token.kind != "end":
            raise refused(
                SYNTAX_ERROR, f"Multi-statements are not allowed: another begins at {token.text}"
            )


def _after_line(text: str, at: int) -> int:
    """Where data begins: behind the blanks and the one line end that follow the format's name."""
    found = re.compile(r"[ \t\f]*;?[ \t\f]*\r?\n?").match(text, at)
    return found.end() if found else at
