"""Delivering a file to a folder and to real FTP, FTPS and SFTP servers: under its name once, and whatever a server does wrong is said."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notify.feeds.places import Differs, FeedPlace, FileRefused, deliver, place_of, tried
from plant.station.feed import FeedAddress
from tests.notify.feed_servers import NO_RENAME, FtpServer, SftpServer, certificate, silent_port

NAME, BODY = "HP_1_20261130120000.txt", b"SO2\t35.2\tmg/Nm3\t20261130120000\t00\r\n"
SCHEMES = ["file", "ftp", "ftps", "sftp"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with a key and a certificate of localhost."""
    return certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def ftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    """Give an FTP server."""
    with closing(FtpServer(tmp_path_factory.mktemp("ftp"))) as server:
        yield server


@pytest.fixture(scope="module")
def ftps(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[FtpServer]:
    """Give an FTP server that asks for TLS."""
    with closing(FtpServer(tmp_path_factory.mktemp("ftps"), authority)) as server:
        yield server


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """Give an SFTP server."""
    with closing(SftpServer(tmp_path_factory.mktemp("sftp"))) as server:
        yield server


@pytest.fixture
def target(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    ftp: FtpServer,
    ftps: FtpServer,
    sftp: SftpServer,
    authority: Path,
) -> tuple[FeedAddress, Path]:
    """Give the address of an empty folder of a scheme, and that folder."""
    if request.param == "file":
        return FeedAddress("file", "", 0, str(tmp_path)), tmp_path
    server = {"ftp": ftp, "ftps": ftps, "sftp": sftp}[request.param]
    folder = server.folder / "in" / tmp_path.name
    folder.mkdir(parents=True)
    changes = {"folder": f"/in/{tmp_path.name}"}
    if request.param == "ftps":
        changes |= {"scheme": "ftps", "host": "localhost", "authority": str(authority.with_name("cert.pem"))}
    return server.address(**changes), folder


def held(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("target", SCHEMES, indirect=True)
@pytest.mark.parametrize("temporary", [".part", ""])
def test_a_file_stands_under_its_name_once_and_whole(
    target: tuple[FeedAddress, Path], temporary: str
) -> None:
    address, folder = target
    with closing(place_of(address)) as place:
        deliver(place, NAME, BODY, temporary)
        deliver(place, NAME, BODY, temporary)  # as after a kill, or asked for again
    assert held(folder) == {NAME: BODY}


@pytest.mark.parametrize("target", SCHEMES, indirect=True)
def test_what_a_kill_left_is_replaced_and_another_file_of_the_name_stands(
    target: tuple[FeedAddress, Path],
) -> None:
    address, folder = target
    (folder / NAME).write_bytes(BODY[:9])
    (folder / f"{NAME}.part").write_bytes(b"older")
    (folder / "other.txt").write_bytes(b"somebody else's")
    with closing(place_of(address)) as place:
        deliver(place, NAME, BODY, ".part")
        with pytest.raises(Differs):
            deliver(place, "other.txt", BODY, ".part")
    assert held(folder) == {NAME: BODY, "other.txt": b"somebody else's"}


@pytest.mark.parametrize("target", SCHEMES, indirect=True)
@pytest.mark.parametrize("temporary", [".part", ""])
def test_a_trial_leaves_nothing(target: tuple[FeedAddress, Path], temporary: str) -> None:
    address, folder = target
    with closing(place_of(address)) as place:
        tried(place, temporary)
    assert held(folder) == {}


def refused(place: FeedPlace, temporary: str = ".part") -> str:
    """Return why a place does not take the file."""
    with pytest.raises(FileRefused) as error:
        deliver(place, NAME, BODY, temporary)
    return str(error.value)


@pytest.mark.parametrize("target", ["ftp", "sftp"], indirect=True)
def test_where_renames_are_forbidden_it_says_what_to_do_and_written_directly_the_file_is_taken(
    target: tuple[FeedAddress, Path], ftp: FtpServer, sftp: SftpServer
) -> None:
    address, folder = target
    ftp.rights(NO_RENAME)
    sftp.may_rename = False
    try:
        with closing(place_of(address)) as place:
            assert 'say temporary: ""' in refused(place)
            assert NAME not in held(folder)
            deliver(place, NAME, BODY, "")
    finally:
        ftp.rights("elradfmwMT")
        sftp.may_rename = True
    assert held(folder)[NAME] == BODY


@pytest.mark.parametrize("target", ["ftp", "sftp"], indirect=True)
def test_a_full_disk_takes_nothing_under_the_name(
    target: tuple[FeedAddress, Path], ftp: FtpServer, sftp: SftpServer
) -> None:
    address, folder = target
    ftp.is_full = sftp.is_full = True
    try:
        with closing(place_of(address)) as place:
            assert refused(place)
    finally:
        ftp.is_full = sftp.is_full = False
    assert NAME not in held(folder)
    with closing(place_of(address)) as place:
        deliver(place, NAME, BODY, ".part")
    assert held(folder) == {NAME: BODY}


@pytest.mark.parametrize("scheme", ["ftp", "sftp"])
def test_a_server_that_hangs_is_not_waited_for(scheme: str) -> None:
    with silent_port() as port, pytest.raises(FileRefused):
        place_of(FeedAddress(scheme, "127.0.0.1", port, "/", "hp", "x", "ssh-ed25519 AAAA"), timeout=0.3)


@pytest.mark.parametrize("target", ["ftp", "ftps", "sftp"], indirect=True)
def test_a_wrong_password_lets_nobody_in_and_is_never_told(target: tuple[FeedAddress, Path]) -> None:
    address, _ = target
    wrong = FeedAddress(
        **{name: getattr(address, name) for name in address.__slots__} | {"password": "no such word"}
    )
    with pytest.raises(FileRefused) as error:
        place_of(wrong)
    assert "no such word" not in str(error.value)


def test_a_server_with_another_host_key_learns_no_password(sftp: SftpServer) -> None:
    before = sftp.logins
    ours, other = sftp.host_keys
    with pytest.raises(FileRefused, match=r"another host key, SHA256:\S{43}:"):
        place_of(sftp.address(host_key=f"{ours.split()[0]} {other.split()[1]}"))
    assert sftp.logins == before


def test_of_a_server_with_several_keys_the_one_that_is_known_is_asked_for(sftp: SftpServer) -> None:
    for key in sftp.host_keys:
        place_of(sftp.address(host_key=" ".join(key.split()[:2]))).close()


def test_a_certificate_that_nobody_vouches_for_is_refused(ftps: FtpServer) -> None:
    with pytest.raises(FileRefused, match="certificate"):
        place_of(ftps.address(scheme="ftps", host="localhost"))


def test_a_folder_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="make it, or mount it"):
        place_of(FeedAddress("file", "", 0, str(tmp_path / "share")))
    assert not (tmp_path / "share").exists()
