"""Reads papers back without the libraries that wrote them: zip and XML alone."""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@dataclass
class Workbook:
    """Cells of each sheet by address: numbers, and texts."""

    sheets: dict[str, dict[str, float | str]]

    def rows(self, name: str) -> list[dict[str, float | str]]:
        """Return the rows of a sheet, each by its columns' letters."""
        rows: dict[int, dict[str, float | str]] = {}
        for address, value in self.sheets[name].items():
            letters, number = re.fullmatch(r"([A-Z]+)([0-9]+)", address).groups()
            rows.setdefault(int(number), {})[letters] = value
        return [rows[number] for number in sorted(rows)]


def parts(content: bytes) -> dict[str, bytes]:
    """Return the files of a zip file, each of which is well-formed where it is XML."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None
        found = {name: file.read(name) for name in file.namelist()}
    for name, part in found.items():
        if name.endswith((".xml", ".rels")):
            ET.fromstring(part)
    targets = {
        target
        for name, part in found.items()
        if name.endswith(".rels")
        for target in [one.get("Target", "") for one in ET.fromstring(part)]
        if "://" not in target
    }
    names = {name.rpartition("/")[2] for name in found}
    assert {target.rpartition("/")[2] for target in targets} <= names, "a part is named that is not there"
    return found


def workbook(content: bytes) -> Workbook:
    """Return what a workbook says."""
    found = parts(content)
    strings = [
        "".join(text.text or "" for text in one.iter(f"{SHEET}t"))
        for one in ET.fromstring(found["xl/sharedStrings.xml"])
    ]
    names = [str(one.get("name")) for one in ET.fromstring(found["xl/workbook.xml"]).iter(f"{SHEET}sheet")]
    sheets: dict[str, dict[str, float | str]] = {}
    for place, name in enumerate(names, 1):
        tree = ET.fromstring(found[f"xl/worksheets/sheet{place}.xml"])
        assert list(tree.iter(f"{SHEET}f")) == [], "there is a formula"
        sheets[name] = {}
        for cell in tree.iter(f"{SHEET}c"):
            value = cell.find(f"{SHEET}v")
            if value is not None:
                text = str(value.text)
                sheets[name][str(cell.get("r"))] = strings[int(text)] if cell.get("t") == "s" else float(text)
    return Workbook(sheets)


def paragraphs(content: bytes, part: str = "word/document.xml") -> list[str]:
    """Return the paragraphs of a Word file that stand in no table."""
    body = ET.fromstring(parts(content)[part])
    inside = {id(one) for table in body.iter(f"{WORD}tbl") for one in table.iter(f"{WORD}p")}
    return [
        "".join(text.text or "" for text in one.iter(f"{WORD}t"))
        for one in body.iter(f"{WORD}p")
        if id(one) not in inside
    ]


def tables(content: bytes) -> list[list[list[str]]]:
    """Return the tables of a Word file."""
    body = ET.fromstring(parts(content)["word/document.xml"])
    return [
        [
            ["".join(text.text or "" for text in cell.iter(f"{WORD}t")) for cell in row.iter(f"{WORD}tc")]
            for row in table.iter(f"{WORD}tr")
        ]
        for table in body.iter(f"{WORD}tbl")
    ]
