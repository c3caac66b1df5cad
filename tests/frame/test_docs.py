"""README and docs/: every link leads somewhere, every command, setting, file and piece of configuration is one that there is."""

import json
import re
import shlex
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from typer.main import get_command

from plant.configuration.about import AboutFile
from plant.configuration.model import Configuration, FacilityPart, ParkPart
from plant.devices.profiles import MappingPart
from plant.documents.documents import read
from plant.shards.shards_file import ShardsFile
from proof.rule_tests import ScenarioPart
from rules.factors.factor_files import OwnFile
from rules.market.market_files import MarketFile
from rules.standards.limit_files import LimitFile
from rules.tariffs.tariff_files import TariffFile
from stackmeter import service, settings
from stackmeter.cli import app
from stackmeter.members.members_file import MembersFile
from tests.frame.repository import ROOT, text

FILES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
FILES += [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))]
# Files that tests/stackmeter/test_formats_page.py writes and uses, in the order of its page.
WALKED = re.compile(r"config/profiles/\S+\.yaml$")


@dataclass(frozen=True)
class Block:
    """A fenced block: the page, the line on which it begins, what stands behind the fence, and what is in it."""

    page: str
    line: int
    info: str
    content: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str) -> list[Block]:
    found = re.finditer(r"^( *)```([^\n]*)\n(.*?)^\1```$", text(page), re.MULTILINE | re.DOTALL)
    return [
        Block(page, text(page)[: one.start()].count("\n") + 1, one[2].strip(), textwrap.dedent(one[3]))
        for one in found
    ]


BLOCKS = [block for page in FILES for block in blocks(page)]


def of_kind(kind: str) -> pytest.MarkDecorator:
    wanted = [block for block in BLOCKS if block.info.split()[:1] == [kind] and not WALKED.search(block.info)]
    return pytest.mark.parametrize("block", wanted, ids=map(str, wanted))


def prose(page: str) -> str:
    """Return a page without its fenced blocks, line by line as it is."""
    return re.sub(r"^( *)```.*?^\1```$", "", text(page), flags=re.MULTILINE | re.DOTALL)


def inline(page: str) -> list[str]:
    """Return what stands between backticks in a page's prose."""
    return [found.replace("\n", " ") for found in re.findall(r"`([^`]+)`", prose(page))]


# --- links


def anchors(page: str) -> set[str]:
    """Return where a link into a page may lead: its headings as GitHub names them, and explicit ones."""
    seen: Counter[str] = Counter()
    found = set(re.findall(r'<a (?:name|id)="([^"]+)"', prose(page)))
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", heading).lower()
    kept = (c for c in plain if c in "-_ " or unicodedata.category(c)[0] in "LNM")
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("page", FILES)
def test_every_link_leads_somewhere(page: str) -> None:
    words = re.sub(r"`[^`]*`", "", prose(page))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", words):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(str(path.resolve().relative_to(ROOT)))):
            broken.append(target)

    assert broken == []


def test_the_readme_leads_to_every_page() -> None:
    """Directly, or by a page that it leads to."""
    reached, found = set(), {ROOT / "README.md"}
    while found - reached:
        page = (found - reached).pop()
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)(?:#[^)]*)?\)", page.read_text())
        found |= {(page.parent / target).resolve() for target in targets if "://" not in target}
    pages = set((ROOT / "docs").glob("*.md"))

    assert {path.name for path in pages - reached} == set()


@pytest.mark.parametrize("page", [page for page in FILES if page != "CHANGELOG.md"])
def test_every_file_that_is_named_exists(page: str) -> None:
    """What stands in backticks and begins with one of our folders."""
    folders = (
        "benchmarks/",
        "config/",
        "deploy/",
        "docs/",
        "grafana/",
        "scripts/",
        "simulators/",
        "src/",
        "tests/",
    )
    named = {one.split()[0].rstrip(":,") for one in inline(page) if one.startswith(folders)}
    missing = {
        name
        for name in named
        if not (ROOT / name).exists() and not name.startswith(("config/profiles", "config/park"))
    }

    assert {name for name in missing if "NAME" not in name} == set()


# --- commands


def shell_lines(block: Block) -> Iterator[str]:
    """Yield the commands of a block: what follows a prompt, or all where there is none."""
    joined = block.content.replace("\\\n", " ")
    prompted = [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
    yield from prompted if block.info != "bash" else [line for line in joined.splitlines() if line.strip()]


def simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a line, without sudo, `docker compose exec` and variables before it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";&|()"):
            yield bare(words)
            words = []
        else:
            words.append(word)


def bare(words: list[str]) -> list[str]:
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    if words[:1] == ["sudo"]:
        return bare(words[3:] if words[1:2] == ["-u"] else words[1:])
    if words[:3] == ["docker", "compose", "exec"]:
        return bare(words[4:])
    return words


def ours(words: list[str]) -> list[str] | None:
    """Return the words after `stackmeter`, None where something else is called; what is redirected is no word."""
    if not words or Path(words[0]).name != "stackmeter":
        return None
    ends = [place for place, word in enumerate(words) if set(word) <= set("<>")]
    return words[1 : ends[0]] if ends else words[1:]


def wrong(words: list[str], *, whole: bool) -> str:
    """Return what is wrong with a call of stackmeter, "" where nothing is; `whole` asks for what is required, too."""
    command: Any = get_command(app)
    context = command.context_class(command, info_name="stackmeter")
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return "" if command.invoke_without_command and not whole else f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
        context = command.context_class(command, info_name=command.name, parent=context)
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(words))
    except Exception as error:  # noqa: BLE001 - whatever the parser says is told
        return str(error)
    if hasattr(command, "commands"):
        return ""
    if rest:
        return f"{rest} is too much"
    missing = [one.name for one in command.params if one.required and given.get(one.name) in (None, ())]
    return f"{missing} is missing" if whole and missing else ""


def called() -> Iterator[tuple[str, list[str]]]:
    for block in BLOCKS:
        if block.info.split()[:1] in ([], ["console"], ["bash"]):
            for line in shell_lines(block):
                yield from (
                    (f"{block}: {line}", words)
                    for command in simple_commands(line)
                    if (words := ours(command)) is not None
                )


CALLS = list(called())


def test_calls_are_found() -> None:
    """More than the test below could lose without being noticed."""
    assert len(CALLS) > 40
    assert {words[0] for _, words in CALLS} >= {
        "ack",
        "backup",
        "check",
        "deliveries",
        "keys",
        "run",
        "verify",
    }


@pytest.mark.parametrize(("where", "words"), CALLS, ids=[where for where, _ in CALLS])
def test_every_call_of_a_block_names_a_command_and_options_that_there_are(
    where: str, words: list[str]
) -> None:
    assert wrong(words, whole=True) == ""


@pytest.mark.parametrize("page", FILES)
def test_every_call_in_a_text_does_too(page: str) -> None:
    """`stackmeter …` in backticks; what is required may be left out there."""
    told = [one for one in inline(page) if one.startswith("stackmeter ") and not one.endswith("…")]

    assert {one: why for one in told if (why := wrong(shlex.split(one)[1:], whole=False))} == {}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("nothing", "no command nothing"),
        ("verify --stat state", "--stat"),
        ("ack", "['alert', 'by'] is missing"),
        ("keys rotate", "['which'] is missing"),
        ("backup one two", "is too much"),
    ],
)
def test_a_call_that_is_wrong_is_seen(call: str, says: str) -> None:
    assert says in wrong(call.split(), whole=True)


# --- configuration


def as_configuration(value: Any) -> Any:
    """Return a part of a configuration at its place in a whole one."""
    for model, wrap in (
        (Configuration, lambda part: part),
        (FacilityPart, lambda part: {"parks": [{"facilities": [part]}]}),
        (ParkPart, lambda part: {"parks": [part]}),
    ):
        if set(value) <= set(model.model_fields):
            return wrap(value)
    if set(value) == {"facilities"}:
        return {"parks": [value]}
    raise AssertionError(f"{list(value)} are keys of no part of a configuration")


def mistakes(model: type[BaseModel], value: Any) -> list[str]:
    """Return what is wrong with a value; parks and facilities may lack what an example leaves out."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in error.errors()
            if not (one["type"] == "missing" and one["loc"][0] == "parks")
        ]
    return []


# Files that are read apart from the configuration, by the key that each has.
READ_APART: dict[str, type[BaseModel]] = {
    "factors": OwnFile, "tariffs": TariffFile, "limits": LimitFile, "markets": MarketFile, "sections": MappingPart, "about": AboutFile,
    "members": MembersFile, "shards": ShardsFile,
}  # fmt: skip


@of_kind("yaml")
def test_every_piece_of_configuration_is_one(block: Block, tmp_path: Path) -> None:
    """Or a factor file, a mapping, texts for papers, or a file of `stackmeter rules test`."""
    file = tmp_path / "part.yaml"
    file.write_text(block.content)
    document = read(file)
    assert document.problems == []

    of_its_own = next((model for key, model in READ_APART.items() if key in document.value), None)
    if of_its_own is not None:
        assert mistakes(of_its_own, document.value) == []
    elif "scenarios" in document.value:
        assert [mistakes(ScenarioPart, scenario) for scenario in document.value["scenarios"]] == [[]]
    else:
        assert mistakes(Configuration, as_configuration(document.value)) == []


@pytest.mark.parametrize(
    "part",
    [
        "{alerts: [{name: a, abve: 3}]}",
        "{sources: [{name: a, methd: b}]}",
        "{virtual: [{name: a, unit: kWh}], zone: 3}",
    ],
)
def test_a_piece_that_is_wrong_is_seen(part: str, tmp_path: Path) -> None:
    (tmp_path / "part.yaml").write_text(part)
    value = read(tmp_path / "part.yaml").value

    try:
        found = mistakes(Configuration, as_configuration(value))
    except AssertionError as error:
        found = [str(error)]
    assert found


@of_kind("json")
def test_every_json_is_json(block: Block) -> None:
    for one in block.content.split("\n\n"):
        json.loads(one)


# --- settings


@of_kind("toml")
def test_every_settings_file_is_one(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(settings.Settings.model_fields):
        monkeypatch.delenv(f"STACKMETER_{name.upper()}", raising=False)
    (tmp_path / "settings.toml").write_text(block.content)

    settings.load(tmp_path / "settings.toml", {})


@pytest.mark.parametrize("page", [*FILES, ".env.example", "docker-compose.yml", "deploy/stackmeter.service"])
def test_every_setting_that_is_named_exists(page: str) -> None:
    """Names that a configuration gives to secrets of webhooks are its own."""
    secrets = set(re.findall(r"(?:secret|url)_env: (\w+)", "\n".join(map(text, FILES))))
    named = set(re.findall(r"\bSTACKMETER_([A-Z_]+[A-Z])\b", text(page)))

    assert {
        name
        for name in named
        if name.lower() not in settings.Settings.model_fields and f"STACKMETER_{name}" not in secrets
    } == set()


# --- docs/operating.md


def rows(page: str, head: str) -> list[list[str]]:
    """Return the cells of a table by its first head."""
    [table] = re.findall(
        rf"^\| {re.escape(head)} \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", text(page), re.MULTILINE
    )
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]


def test_operating_lists_every_exit_code_and_no_other() -> None:
    told = {int(row[0]) for row in rows("docs/operating.md", "exit code")}
    made = {value for name, value in vars(service).items() if name.startswith("EXIT_")}

    assert told == made | {0}


def test_the_vietnamese_page_uses_the_words_of_the_screen() -> None:
    """What it puts in bold and says to press is written so on the page or in the message."""
    screen = text("src/api/page/text.js") + text("src/api/alerts/acknowledge_page.py")
    bold = set(re.findall(r"\*\*([^*]+)\*\*", text("docs/tong-quan.md")))
    pressed = {"Hiện tại", "Hôm nay", "Tháng này", "24 giờ qua", "Cảnh báo đang mở", "Gateway", "Tôi nhận xử lý", "Tạm hoãn",
               "Việc cần làm trước", "Mất kết nối", "chưa sẵn sàng"}  # fmt: skip

    assert pressed <= bold
    assert {word for word in pressed if word not in screen} == set()
