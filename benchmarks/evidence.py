"""A hundred files of evidence of 10 MiB each: how long they take, how much memory, and that all are there afterwards.

    .venv/bin/python benchmarks/evidence.py [FILES]

It needs 2 GiB of disk for the state and its backup. CI hands in small files alone.
"""

import os
import sys
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from store.folder import evidence_folder
from store.kept_files import KeptFiles
from tests.servers import Mosquitto
from tests.service import TOKEN, Service

CONFIG = Path(__file__).parents[1] / "tests" / "semantics" / "entered"
LARGEST = 10 << 20  # bytes, as the API has it; `api` is a benchmark here
HEAD, TAIL = b"%PDF-1.7\n1 0 obj\nendobj\n", b"\nstartxref\n9\n%%EOF\n"


def main(count: int) -> None:
    """Hand in files of the largest size, read each back, and print what it took."""
    with (
        TemporaryDirectory(prefix="stackmeter-evidence-") as folder,
        Mosquitto() as broker,
        Service(Path(folder), CONFIG, broker.url) as service,
    ):
        service.start()
        url, headers = f"http://127.0.0.1:{service.port}/v1/evidence", {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(headers=headers, timeout=120, trust_env=False) as client:
            before, took, digests = memory_mib(service), [], []
            for _ in range(count):
                content = HEAD + os.urandom(LARGEST - len(HEAD) - len(TAIL)) + TAIL
                start = time.perf_counter()
                answer = client.post(url, content=content, params={"by": "lan"}).raise_for_status()
                took.append(time.perf_counter() - start)
                digests.append(answer.json()["digest"])
                assert digests[-1] == f"sha256:{sha256(content).hexdigest()}"
            too_large = client.post(url, content=content + b"\n", params={"by": "lan"}).status_code
            back = sum(len(client.get(f"{url}/{one}").raise_for_status().content) for one in digests)
            print(
                f"{count} files of {LARGEST:,} bytes handed in: {sum(took):.1f} s, slowest {max(took):.2f} s"
            )
            print(f"one byte more: {too_large}; read back: {back:,} bytes")
            print(f"memory: {before:.0f} MiB before, {memory_mib(service):.0f} MiB at most")
        assert service.term() == 0
        kept = KeptFiles(evidence_folder(service.state))
        start = time.perf_counter()
        for one in digests:
            kept.read(one)
        print(f"each file compared with its digest: {time.perf_counter() - start:.1f} s")


def memory_mib(service: Service) -> float:
    """Return the most memory that the service has had until now."""
    [line] = [one for one in Path(f"/proc/{service.pid}/status").read_text().splitlines() if "VmHWM" in one]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
