"""Run by test_namespace in a network namespace of its own: a name server, receivers, and one webhook or chat message.

The namespace has a public address, a private one and a loopback, all on this machine, so that a connection to any of them
would be seen. The name server tells the public address first and the private one from then on.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
import time

from alerts.tables.webhook_bodies import body
from notify.addresses import Doors
from notify.chat import ChatClient
from notify.webhook import EndpointClient, EndpointError, WebhookClient
from plant.networks import PRIVATE, Network
from plant.park import Webhook
from tests.notify.state import SECRET
from tests.notify.test_chat import ALERT

PUBLIC, LAN, PORT = "93.184.215.14", "10.20.30.40", 8080
NAME = "receiver.test"


def addresses() -> None:
    for command in (f"addr add {PUBLIC}/32 dev lo", f"addr add {LAN}/32 dev lo", "link set lo up"):
        subprocess.run(["ip", *command.split()], check=True)


def name_server(answers: list[str], asked: list[str]) -> None:
    """Answer questions for addresses of version 4 from the list, its last one for ever; others have no answer."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve() -> None:
        while True:
            question, client = server.recvfrom(512)
            end = question.index(b"\0", 12) + 5
            (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
            head, answer = question[:2] + b"\x81\x80\0\1\0", b""
            if kind == 1:
                asked.append(answers.pop(0) if len(answers) > 1 else answers[0])
                answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(asked[-1])
            server.sendto(head + bytes([bool(answer)]) + bytes(4) + question[12:end] + answer, client)

    threading.Thread(target=serve, daemon=True).start()


def receivers(came: list[str]) -> None:
    """Take requests at every address, and keep at which one."""
    listener = socket.create_server(("0.0.0.0", PORT))

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                came.append(connection.getsockname()[0])
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()


def client(kind: str, host: str, *, private: tuple[Network, ...], own: Doors) -> EndpointClient:
    """Return a chat over http, or a webhook over https, which ends at the receiver's first word: it knows no TLS."""
    if kind == "chat":
        chat = Webhook("chat", "", f"json://{host}:{PORT}/", private, kind="apprise")
        return ChatClient(chat, own=own)
    return WebhookClient(Webhook("desk", f"https://{host}:{PORT}/", SECRET, private), own=own)


def attempts(kind: str, host: str, allow_private: str, own: str) -> list[str]:
    """Return what came of two attempts."""
    try:
        private = PRIVATE if allow_private == "private" else ()
        one = client(kind, host, private=private, own=[(own, PORT)] if own else [])
    except EndpointError as error:
        return [str(error)] * 2
    return [one.post(f"e{n}", body("alert", ALERT, "desk", ""), time.time_ns()).error for n in range(2)]


def main(kind: str, host: str, allow_private: str, own: str, *answers: str) -> None:
    """Tell on standard output what came of it, where connections came, and what the name server said."""
    asked: list[str] = []
    came: list[str] = []
    addresses()
    name_server(list(answers), asked)
    receivers(came)
    errors = attempts(kind, host, allow_private, own)
    sys.stdout.write(json.dumps({"errors": errors, "came": came, "asked": asked}))


if __name__ == "__main__":
    main(*sys.argv[1:])
