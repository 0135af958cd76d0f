"""TLS: the certificate has to be the name's, although the connection goes to a network address."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openrouter_toolkit.store import Store
from openrouter_toolkit.webhooks import Deliverer

from ..small_server import Handler, running
from .conftest import add
from .test_network import resolver

NAME = "hooks.test"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


class Answers(Handler):
    def respond(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"ok")


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The port of a server with the certificate, which is trusted."""
    chain, key = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(chain))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    with ExitStack() as stack:
        yield stack.enter_context(running(server)).rpartition(":")[2]


def test_the_name_of_the_url_is_the_certificates(store: Store, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, ["127.0.0.1"])
    right, _ = add(store, f"https://{NAME}:{port}/hook")
    deliverer = Deliverer(store, private=True)
    assert deliverer.test(right).state == "delivered"
    wrong, _ = add(store, f"https://other.test:{port}/hook")
    done = deliverer.test(wrong)
    assert done.state == "failed"
    assert "No secure connection" in (done.error or "")
    by_address, _ = add(store, f"https://127.0.0.1:{port}/hook")
    assert deliverer.test(by_address).state == "failed"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "No secure connection" in (deliverer.test(right).error or "")
