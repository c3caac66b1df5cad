"""deploy/stackmeter.service: shut in, and able to do its work there, by what the service really asks of the kernel."""

import os
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from stackmeter.service import EXIT_CONFIG, EXIT_DATA
from stackmeter.settings import Settings
from tests.faults.bench import Bench
from tests.faults.truth import trial
from tests.frame.repository import ROOT, text
from tests.servers import required
from tests.service import CONSOLE_SCRIPT

UNIT = "deploy/stackmeter.service"
LARGEST_EXPOSURE = 2.0  # of 10, as systemd-analyze counts


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """Return the values of each key of the section Service, in order."""
    found: dict[str, list[str]] = {}
    section = text(UNIT).split("[Service]\n")[1].split("\n[Install]")[0]
    for line in section.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_systemd_can_read_it() -> None:
    """Every word of it; only what it starts is not here."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # as configparser documents it
    parser.read_string(text(UNIT))
    answer = subprocess.run(
        [required("systemd-analyze"), "verify", str(ROOT / UNIT)], capture_output=True, text=True, check=False
    )

    assert parser.sections() == ["Unit", "Service", "Install"]
    complaints = [line for line in answer.stderr.splitlines() if "is not executable" not in line]
    assert [line for line in complaints if "stackmeter.service" in line] == []


def test_it_is_shut_in() -> None:
    answer = subprocess.run(
        [required("systemd-analyze"), "security", "--offline=true", "--no-pager", str(ROOT / UNIT)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert float(re.search(r"exposure level for \S+: ([\d.]+)", answer.stdout)[1]) <= LARGEST_EXPOSURE


def test_it_starts_again_unless_a_person_is_needed(unit) -> None:
    assert unit["Restart"] == ["on-failure"]
    assert set(map(int, unit["RestartPreventExitStatus"][0].split())) == {EXIT_CONFIG, EXIT_DATA}


def test_it_names_settings_that_there_are(unit) -> None:
    names = re.findall(r"STACKMETER_(\w+)=", " ".join(unit["Environment"]))

    assert names
    assert {name.lower() for name in names} <= set(Settings.model_fields)
    assert unit["ExecStart"][0].split()[1:3] == ["run", "--settings"]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give the system calls of a service from its start over three hundred messages to its orderly end."""
    folder = tmp_path_factory.mktemp("traced")
    output = folder / "trace"
    program = (required("strace"), "-D", "-f", "-qq", "-e", "signal=none", "-o", str(output), *CONSOLE_SCRIPT)
    with Bench(folder, program=program) as bench:
        bench.service.start()
        bench.field.send(trial(300, seed=76).messages)
        bench.service.drain(300)
        assert bench.service.term() == 0
    return output.read_text(errors="replace").splitlines()


def test_it_may_do_every_system_call_that_the_service_does(trace, unit) -> None:
    groups = syscall_groups()
    allowed = members(groups, "@default")
    for words in unit["SystemCallFilter"]:
        named = set().union(*(members(groups, word) for word in words.removeprefix("~").split()))
        allowed = allowed - named if words.startswith("~") else allowed | named
    done = {found[1] for line in trace if (found := re.match(r"\d+ +(\w+)\(", line))}

    as_root_alone = {"fchown"} if os.geteuid() == 0 else set()  # SQLite's, so that its files keep their owner

    assert len(done) > 30
    assert done - allowed - as_root_alone == set()


def syscall_groups() -> dict[str, list[str]]:
    """Return the members of each of systemd's groups of system calls, groups among them."""
    told = subprocess.run(
        [required("systemd-analyze"), "syscall-filter", "--no-pager"],
        capture_output=True,
        text=True,
        check=True,
    )
    groups: dict[str, list[str]] = {}
    for line in told.stdout.splitlines():
        if line.startswith("@"):
            groups[line.strip()] = inside = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            inside.append(line.strip())
    return groups


def members(groups: dict[str, list[str]], name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    return set().union(*(members(groups, one) for one in groups[name]))


def test_it_makes_no_memory_both_writable_and_executable(trace, unit) -> None:
    """Neither at once nor one after the other, which `MemoryDenyWriteExecute` refuses."""
    assert unit["MemoryDenyWriteExecute"] == ["true"]
    assert [
        line for line in trace if "PROT_WRITE|PROT_EXEC" in line or re.search(r"mprotect\(.*PROT_EXEC", line)
    ] == []


def test_it_opens_sockets_of_the_families_that_it_may(trace, unit) -> None:
    opened = {found[1] for line in trace if (found := re.search(r" socket(?:pair)?\((AF_\w+)", line))}

    assert opened
    assert opened <= set(unit["RestrictAddressFamilies"][0].split())


def test_it_writes_into_its_state_directory_alone(trace, unit) -> None:
    """All else is read-only to it."""
    assert (unit["StateDirectory"], unit["ProtectSystem"]) == (["stackmeter"], ["strict"])
    [state] = {found[1] for line in trace if (found := re.search(r'"([^"]+)/journal\.db"', line))}
    written = {
        Path(found[1])
        for line in trace
        if (found := re.search(r'openat\([^"]*"([^"]+)", \S*(?:O_WRONLY|O_RDWR|O_CREAT)', line)) and "ENOENT" not in line
    }  # fmt: skip

    assert Path(state, "state.db") in written
    assert {path for path in written if not path.is_relative_to(state) and str(path) != "/dev/null"} == set()
