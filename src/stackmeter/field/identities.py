"""Who may speak to the broker: passwords, certificates of our own CA, and the access list, in a directory that Mosquitto reads.

Mosquitto reads ca.crt, crl.pem, server.crt, server.key, passwords and acl; it has no business in ca/ and gateways/.
"""

import base64
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

SERVICE = "stackmeter"  # the service's own user; a gateway's has slashes in it
LONGEST_NAME = 64  # characters of a certificate's common name, by X.509
CA_DAYS = 7300
ITERATIONS = 101  # Mosquitto's own number: a secret of 256 random bits is not guessed, however fast the hash

_OPENSSL = """\
[req]
distinguished_name = name
string_mask = utf8only
x509_extensions = authority
[name]
[ca]
default_ca = ours
[ours]
database = ca/index.txt
new_certs_dir = ca/certs
rand_serial = yes
crlnumber = ca/crlnumber
certificate = ca.crt
private_key = ca/ca.key
default_md = sha256
default_crl_days = 7300
policy = policy
unique_subject = no
[policy]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""
_EXTENSIONS = (
    "basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = "
)
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class IdentityRefused(ValueError):
    """An identity cannot be made or ended; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One way in: a gateway by its name, with a password (`serial` is empty) or a certificate."""

    name: str
    serial: str = ""
    expires: datetime | None = None
    revoked: bool = False

    @property
    def by(self) -> str:
        """What proves it."""
        return "certificate" if self.serial else "password"


class Identities:
    """The directory. Every file is replaced as a whole, so that the broker never reads half of one."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def prepared(self) -> bool:
        """Whether there is a CA and a password file."""
        return (self.path / "ca.crt").exists() and (self.path / "passwords").exists()

    def prepare(self, hosts: Sequence[str], days: int) -> str | None:
        """Make what is missing of CA, revocation list, server certificate and the service's password.

        Parameters
        ----------
        hosts
            Names and addresses by which gateways find the broker; none leaves the server certificate as it is.
        days
            How long the server certificate is valid.

        Returns
        -------
        str or None
            The service's password where it was made just now.

        Raises
        ------
        IdentityRefused
            A name is none, there is no server certificate yet and no name, or openssl is not there or fails.
        """
        alternatives = ",".join(_alternative(host) for host in hosts)
        if not hosts and not (self.path / "server.crt").exists():
            raise IdentityRefused(
                "say by which names or addresses gateways find the broker:"
                f" stackmeter gateway prepare HOST [HOST]... --dir {self.path}"
            )
        self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        if not (self.path / "ca.crt").exists():
            self._make_authority()
        if hosts:
            made = self._certificate(hosts[0], "serverAuth", days, f"subjectAltName = {alternatives}\n")
            for name, mode in (("server.key", 0o640), ("server.crt", 0o644)):
                self._write(name, made[name.removeprefix("server.")], mode)
        return None if SERVICE in self._passwords() else self.set_password(SERVICE)

    def all(self) -> list[Identity]:
        """Return every gateway's identities by name, revoked certificates too."""
        by_password = [Identity(name) for name in self._passwords() if _is_gateway(name)]
        return sorted([*by_password, *self._certificates()], key=lambda one: (one.name, one.serial))

    def valid(self) -> list[Identity]:
        """Return the identities that let somebody in now."""
        now = datetime.now(UTC)
        return [one for one in self.all() if not one.revoked and (one.expires is None or one.expires > now)]

    def set_password(self, name: str) -> str:
        """Give a user a new password and return it: only its hash is kept."""
        password = secrets.token_urlsafe(32)
        self._write_passwords({**self._passwords(), name: hashed(password)})
        return password

    def issue(self, name: str, days: int) -> Path:
        """Make a key and a certificate with the common name `name`, and return the folder to hand to its gateway."""
        if len(name) > LONGEST_NAME:
            raise IdentityRefused(
                f"{name} has {len(name)} characters, a certificate's name at most {LONGEST_NAME}:"
                " enroll it with --password, or give shorter names"
            )
        made = self._certificate(name, "clientAuth", days)
        folder = Path("gateways", *name.split("/"))
        self._folder(folder)
        self._write(str(folder / "gateway.key"), made["key"], 0o600)
        self._write(str(folder / "gateway.crt"), made["crt"], 0o600)
        self._write(str(folder / "ca.crt"), (self.path / "ca.crt").read_text(), 0o600)
        return self.path / folder

    def revoke(self, name: str, serial: str | None) -> list[Identity]:
        """End a gateway's identities, or the certificate of that serial alone; return what was ended."""
        ended = [one for one in self.valid() if one.name == name and serial in (None, one.serial)]
        for one in ended:
            if one.serial:
                self._openssl("ca", "-revoke", f"ca/certs/{one.serial}.pem", *_CONFIG)
        if any(one.serial for one in ended):
            self._make_revocation_list()
        if any(not one.serial for one in ended):
            self._write_passwords({n: hash_ for n, hash_ in self._passwords().items() if n != name})
        return ended

    def write_acl(self, lines: Sequence[str]) -> None:
        """Replace the access list; lines of the administrator's own, in acl.own, come last."""
        own = self.path / "acl.own"
        added = [own.read_text().rstrip("\n")] if own.exists() else []
        self._write("acl", "\n".join([*lines, *added]) + "\n", 0o640)

    def _make_authority(self) -> None:
        self._folder(Path("ca/certs"))
        self._write("ca/openssl.cnf", _OPENSSL, 0o600)
        self._write("ca/index.txt", "", 0o600)
        self._write("ca/crlnumber", "01\n", 0o600)
        self._openssl(
            "req", "-x509", *_NEW_KEY, "-keyout", "ca/ca.key", "-out", "ca/ca.crt", "-days", str(CA_DAYS),
            "-subj", "/CN=Stackmeter gateways", *_CONFIG,
        )  # fmt: skip
        (self.path / "ca/ca.key").chmod(0o600)
        certificate = (self.path / "ca/ca.crt").read_text()
        self._write("ca.crt", certificate, 0o644)
        self._make_revocation_list()

    def _make_revocation_list(self) -> None:
        self._openssl("ca", "-gencrl", "-out", "ca/crl.pem", *_CONFIG)
        self._write("crl.pem", (self.path / "ca/crl.pem").read_text(), 0o644)

    def _certificate(self, name: str, usage: str, days: int, extensions: str = "") -> dict[str, str]:
        """Return a new key and its certificate as PEM, under `key` and `crt`."""
        with tempfile.TemporaryDirectory(dir=self.path / "ca") as folder:
            at = Path(folder)
            (at / "extensions").write_text(f"{_EXTENSIONS}{usage}\n{extensions}")
            subject = "/CN=" + re.sub(
                r"([/+\\])", r"\\\1", name
            )  # what means something to openssl stands for itself
            self._openssl(
                "req", "-new", *_NEW_KEY, "-keyout", f"{at}/key", "-out", f"{at}/request", "-subj", subject, *_CONFIG
            )  # fmt: skip
            self._openssl(
                "ca", "-batch", "-notext", "-in", f"{at}/request", "-out", f"{at}/crt", "-days", str(days),
                "-extfile", f"{at}/extensions", *_CONFIG,
            )  # fmt: skip
            return {part: (at / part).read_text() for part in ("key", "crt")}

    def _certificates(self) -> Iterator[Identity]:
        """Yield gateways' certificates from openssl's own list: status, expiry, revocation, serial, file, subject."""
        for line in (self.path / "ca/index.txt").read_text().splitlines():
            status, expires, _, serial, _, subject = line.split("\t")
            name = subject.removeprefix("/CN=").replace("\\/", "/")
            if _is_gateway(name):
                yield Identity(name, serial, _index_time(expires), status == "R")

    def _passwords(self) -> dict[str, str]:
        """Return the hashes of the password file by user."""
        file = self.path / "passwords"
        lines = file.read_text().splitlines() if file.exists() else []
        return {line.partition(":")[0]: line.partition(":")[2] for line in lines if line}

    def _write_passwords(self, hashes: dict[str, str]) -> None:
        self._write("passwords", "".join(f"{name}:{hashes[name]}\n" for name in sorted(hashes)), 0o640)

    def _folder(self, name: Path) -> None:
        """Make a folder, and those above it, for nobody but the administrator."""
        for folder in (*reversed(name.parents[:-1]), name):
            (self.path / folder).mkdir(mode=0o700, exist_ok=True)

    def _write(self, name: str, text: str, mode: int) -> None:
        """Replace a file; it gets the owner and the group of its folder, as Mosquitto wants of what it reads."""
        path = self.path / name
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, mode)
            folder = path.parent.stat()
            os.fchown(descriptor, folder.st_uid if os.geteuid() == 0 else -1, folder.st_gid)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)

    def _openssl(self, *arguments: str) -> None:
        program = shutil.which("openssl")
        if program is None:
            raise IdentityRefused("the program openssl is not installed: certificates are made with it")
        done = subprocess.run(  # noqa: S603 - no shell, and every argument is ours or a checked name
            [program, *arguments], cwd=self.path, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise IdentityRefused(f"openssl {arguments[0]} failed: {done.stderr.strip()}")


_CONFIG = ("-config", "ca/openssl.cnf")


def _is_gateway(name: str) -> bool:
    """Whether a user is a gateway, and not the service, the broker itself or one of the administrator's own."""
    return name.count("/") == 2


def hashed(password: str) -> str:
    """Return a password's hash as Mosquitto's password files have it: PBKDF2 with SHA-512."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return "$".join(["", "7", str(ITERATIONS), *(base64.b64encode(part).decode() for part in (salt, digest))])


def _alternative(host: str) -> str:
    """Return a name or an address as a certificate lists it; raise IdentityRefused for what is neither."""
    try:
        return f"IP:{ip_address(host)}"
    except ValueError:
        pass
    if not host or not all(c.isascii() and (c.isalnum() or c in "-.") for c in host):
        raise IdentityRefused(f"{host!r} is neither a host name nor an address")
    return f"DNS:{host}"


def _index_time(text: str) -> datetime:
    """Return a time of openssl's list, which has two digits for the year up to 2049."""
    form = "%y%m%d%H%M%SZ" if len(text) == 13 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text, form).replace(tzinfo=UTC)
