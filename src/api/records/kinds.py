"""What kind of file somebody hands in, by what is in it alone: neither its name nor a header is believed.

Nothing is unpacked but the table of contents of a workbook, up to a bound.
"""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NoReturn
from xml.parsers import expat

MEDIA = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "xml": "application/xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
}
MOST_PARTS = 5000  # of a workbook
MOST_UNPACKED = 200 << 20  # bytes that a workbook says it holds
MOST_CONTENTS = 1 << 20  # bytes of its table of contents
MOST_LINES = 1_000_000  # of a table
_PNG, _ZIP = b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"
_PAGES = {"html", "svg", "script"}  # XML that a browser shows as a page
_CONTENTS, _WORKBOOK = "[Content_Types].xml", "xl/workbook.xml"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers of JPEG without a length


class NoEvidence(ValueError):
    """A file that is none of the kinds that are taken, or is not whole; the text says why."""


def kind_of(content: bytes) -> str:
    """Return which of `MEDIA` a file is.

    Raises
    ------
    NoEvidence
        It is none of them, is not whole, or may do something when it is opened.
    """
    for start, kind, check in _BY_START:
        if content.startswith(start):
            check(content)
            return kind
    text = _text(content)
    if text.lstrip().startswith("<"):
        _check_xml(content)
        return "xml"
    _check_csv(text)
    return "csv"


def _check_pdf(content: bytes) -> None:
    if content[5:8] not in (b"1.0", b"1.1", b"1.2", b"1.3", b"1.4", b"1.5", b"1.6", b"1.7", b"2.0"):
        _refuse("it begins like a PDF, and says no version of it")
    end = content[-2048:]
    if b"startxref" not in end or b"%%EOF" not in end:
        _refuse("it begins like a PDF and has no end: it is cut off, or none")


def _check_png(content: bytes) -> None:
    at, first = len(_PNG), True
    while at + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        end = at + 12 + length
        if end > len(content) or (first and (name, length) != (b"IHDR", 13)):
            break
        if zlib.crc32(content[at + 4 : end - 4]) != struct.unpack(">I", content[end - 4 : end])[0]:
            _refuse(f"it begins like a PNG, and its part {name!r} is damaged")
        if name == b"IEND":
            return
        at, first = end, False
    _refuse("it begins like a PNG, and is cut off, or none")


def _check_jpeg(content: bytes) -> None:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        if marker == 0xDA:  # what follows is the picture, up to its end
            if length >= 2 and content.find(b"\xff\xd9", at + 2 + length) >= 0:
                return
            break
        if length < 2:
            break
        at += 2 + length
    _refuse("it begins like a JPEG, and is cut off, or none")


def _check_xlsx(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            parts = book.infolist()
            names = [part.filename for part in parts]
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                _refuse(f"it would unpack to more than {MOST_PARTS} parts or {MOST_UNPACKED >> 20} MiB")
            if len(set(names)) < len(names) or any(part.flag_bits & 1 for part in parts):
                _refuse("it has two parts of one name, or is encrypted")
            if _CONTENTS not in names or _WORKBOOK not in names:
                _refuse("it is a zip file and no workbook (xlsx)")
            with book.open(_CONTENTS) as part:
                contents = part.read(MOST_CONTENTS + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        if isinstance(error, NoEvidence):
            raise
        raise NoEvidence("it begins like a workbook (xlsx), and is cut off, or none") from error
    if len(contents) > MOST_CONTENTS:
        _refuse("its table of contents is larger than any workbook's")
    _check_xml(contents)
    said = contents.lower()
    if b"macroenabled" in said or b"vbaproject" in said or any(_is_active(name) for name in names):
        _refuse("it has macros or parts that run when it is opened: save it as xlsx without them")


def _is_active(name: str) -> bool:
    lower = name.lower()
    return "vbaproject" in lower or lower.startswith(("xl/activex/", "xl/embeddings/", "xl/macrosheets/"))


def _check_xml(content: bytes) -> None:
    root: list[str] = []

    def start(name: str, _attributes: object) -> None:
        if not root:
            root.append(name.rpartition(":")[2].lower())

    def doctype(*_said: object) -> NoReturn:
        _refuse("it is XML with a document type of its own: that is not taken")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise NoEvidence(f"it begins like XML, and is none: {error}") from error
    if root and root[0] in _PAGES:
        _refuse(f"it is a page of a browser ({root[0]}): hand in what it shows as PDF or a picture")


def _check_csv(text: str) -> None:
    header = text.partition("\n")[0]
    mark = next((one for one in (";", "\t", ",") if one in header), None)
    if mark is None:
        _refuse("it is none of PDF, PNG, JPEG, XML, XLSX and CSV")
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        widths = {len(row) for row, _ in zip(rows, range(MOST_LINES), strict=False) if row}
    except csv.Error as error:
        raise NoEvidence(f"it is a text, and no CSV: {error}") from error
    if len(widths) != 1:
        _refuse("it is a text, and no CSV: its lines have different numbers of cells")


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if not text or any(ord(one) < 32 and one not in "\t\r\n" for one in set(text)):
        _refuse("it is none of PDF, PNG, JPEG, XML, XLSX and CSV")
    return text


def _refuse(why: str) -> NoReturn:
    raise NoEvidence(why)


_BY_START: tuple[tuple[bytes, str, Callable[[bytes], None]], ...] = (
    (b"%PDF-", "pdf", _check_pdf),
    (_PNG, "png", _check_png),
    (b"\xff\xd8\xff", "jpeg", _check_jpeg),
    (_ZIP, "xlsx", _check_xlsx),
)
