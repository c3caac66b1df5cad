"""deploy/nginx.conf on a real nginx, before a real service."""

import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template

import httpx
import pytest

from api.access.guard import GUESSES
from tests.frame.repository import text
from tests.servers import Process, Server, free_port, listening, required, wait_until
from tests.service import TOKEN, Service

NAME = "meter.example.org"
CONFIG = Path(__file__).parents[1] / "faults" / "config"
SECRET = {"STACKMETER_TRIAL_SECRET": "whsec_dGhlIHRyaWFsIHBsYW50J3Mgb3duIHNlY3JldCBrZXk="}
AROUND = Template("""\
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events {}
http {
  access_log $folder/access.log;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  $shipped
}
""")


class Nginx(Server):
    """nginx with the configuration that we ship; only ports and certificate are the test's own."""

    def __init__(self, folder: Path, api_port: int) -> None:
        super().__init__(folder)
        self._api_port = api_port
        self.draw()

    def draw(self) -> None:
        """Draw both ports."""
        folder = self.folder
        self.port, self.plain_port = free_port(), free_port()
        settings = folder / "nginx.conf"
        settings.write_text(AROUND.substitute(folder=folder, shipped=self._shipped(self._api_port)))
        command = [required("nginx"), "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(settings)]
        log = folder / "nginx.log"
        self.processes = [Process("nginx", command, log, lambda: listening(self.port))]

    def _shipped(self, api_port: int) -> str:
        made = text("deploy/nginx.conf")
        for shipped, ours in {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "listen [::]:80;": "",
            "listen [::]:443 ssl;": "",
            "/etc/ssl/stackmeter": str(self.folder),
            "127.0.0.1:8080": f"127.0.0.1:{api_port}",
        }.items():
            assert shipped in made
            made = made.replace(shipped, ours)
        return made


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nginx, httpx.Client]]:
    """Give the proxy, and a client that takes its certificate alone and asks it by its name."""
    folder = tmp_path_factory.mktemp("proxied")
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    subprocess.run(
        [required("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    environment = SECRET | {
        "STACKMETER_PUBLIC_URL": f"https://{NAME}",
        "STACKMETER_TRUSTED_PROXIES": "127.0.0.1, ::1",
    }
    with Service(folder, CONFIG, "mqtt://127.0.0.1:1", environment=environment) as service:
        service.start(ready=False)
        wait_until(lambda: listening(service.port), "no API")
        with Nginx(folder, service.port) as proxy, from_address("127.0.0.1", proxy) as client:
            yield proxy, client


SNI = {"sni_hostname": NAME}


def from_address(address: str, proxy: Nginx) -> httpx.Client:
    """Return a client at an address of this machine."""
    trusted = ssl.create_default_context(cafile=proxy.folder / "fullchain.pem")
    return httpx.Client(
        base_url=f"https://127.0.0.1:{proxy.port}",
        headers={"Host": NAME, "Authorization": f"Bearer {TOKEN}"},
        transport=httpx.HTTPTransport(local_address=address, verify=trusted),
        timeout=30,
    )


def get(client: httpx.Client, path: str, **options: object) -> httpx.Response:
    return client.get(path, extensions=SNI, **options)


def test_the_page_and_its_files_come_through(proxied):
    _, client = proxied
    page = get(client, "/", headers={"Authorization": ""})

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    files = [part.split('"')[0] for part in page.text.split('"/assets/')[1:]]
    assert files
    assert {get(client, f"/assets/{name}").status_code for name in files} == {200}


def test_the_api_answers_as_it_does_itself(proxied):
    _, client = proxied

    assert get(client, "/v1/totals").json()["totals"]
    assert get(client, "/v1/totals", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert get(client, "/v1/nothing").headers["content-type"] == "application/problem+json"


def test_the_stream_is_not_held_back(proxied):
    """Its first event and the comment of a quiet line come while the answer goes on."""
    _, client = proxied
    seen = []
    with client.stream("GET", "/v1/live", extensions=SNI) as answer:
        for line in answer.iter_lines():
            seen.append(line)
            if line.startswith(":"):
                break

    assert answer.status_code == 200
    assert seen[0] == "event: plant"
    assert seen[-1].startswith(":")


def test_a_link_of_a_message_reaches_its_page_and_no_log(proxied):
    proxy, client = proxied
    log = proxy.folder / "access.log"
    answer = get(client, "/a/a-link-that-nobody-signed", headers={"Authorization": ""})
    get(client, "/?after-it")

    wait_until(lambda: "after-it" in log.read_text(), "nothing was logged")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "a-link-that" not in log.read_text()


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/livez", "/openapi.json", "/api/v2/status"])
def test_what_is_for_this_machine_does_not_come_through(proxied, path):
    _, client = proxied
    answer = get(client, path)

    assert answer.status_code == 404
    assert "nginx" in answer.text


def test_whoever_comes_without_tls_is_sent_to_it(proxied):
    proxy, _ = proxied
    answer = httpx.get(
        f"http://127.0.0.1:{proxy.plain_port}/?lang=vi", headers={"Host": NAME}, trust_env=False
    )

    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{NAME}/?lang=vi")


def test_solid_b12_wrong_tokens_of_one_client_lock_out_neither_others_nor_the_right_one(proxied):
    proxy, _ = proxied
    wrong = {"Authorization": "Bearer wrong", "X-Forwarded-For": "192.0.2.1"}
    with from_address("127.0.0.2", proxy) as one, from_address("127.0.0.3", proxy) as other:
        guesses = [get(one, "/v1/totals", headers=wrong).status_code for _ in range(GUESSES + 1)]

        assert guesses == [401] * GUESSES + [429]  # a header of its own gives it no other address
        assert get(other, "/v1/totals", headers=wrong).status_code == 401
        assert get(one, "/v1/totals").status_code == 200
        audit = get(one, "/v1/audit").json()["rows"]

    assert {row["origin"] for row in audit if row["what"].startswith("login")} >= {"127.0.0.2", "127.0.0.3"}


def test_solid_b12_whoever_asks_without_end_is_told_to_wait_and_others_are_answered(proxied):
    """Links are limited to a few a second, so that few requests show it."""
    proxy, _ = proxied
    with from_address("127.0.0.4", proxy) as one, from_address("127.0.0.5", proxy) as other:
        with ThreadPoolExecutor(20) as many:
            answers = list(many.map(lambda _: get(one, "/a/nobody-signed-it"), range(200)))
        refused = next(answer for answer in answers if answer.status_code == 429)

        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.json()["status"], refused.headers["retry-after"]) == (429, "1")
        assert get(other, "/a/nobody-signed-it").status_code == 404
        assert get(one, "/v1/totals").status_code == 200
