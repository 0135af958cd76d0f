"""A real nginx or Caddy with the configuration that the documentation shows, and clients that ask by way of it."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ..timing import wait_until
from .served import PATIENCE, _free_port

DOCS = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
NAME = "tools.example.com"
URL = f"https://{NAME}"
SERVER = "127.0.0.1:8700"
PROXIES = ("nginx", "caddy")
_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/errors;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {snippet}
}}
"""
_CADDY = """
{{
    admin off
    http_port {other_port}
    https_port {port}
    auto_https disable_redirects
    local_certs
    skip_install_trust
    storage file_system {folder}/storage
}}
{snippet}
"""


def snippet(kind: str) -> str:
    """What the documentation shows for a proxy."""
    (text,) = re.findall(rf"```{kind}\n(.*?)```", DOCS, re.DOTALL)
    return str(text)


class Through(httpx2.HTTPTransport):
    """Reaches the public name at a port of this machine, from an address of this machine."""

    def __init__(self, port: int, local_address: str) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False  # the certificate is the test's own
        context.verify_mode = ssl.CERT_NONE
        super().__init__(verify=context, local_address=local_address, trust_env=False)
        self._port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert (request.url.host, request.url.port) == (NAME, None), "it is led nowhere else"
        there = httpx2.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=self._port),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": NAME},
        )
        return super().handle_request(there)


class Proxy:
    """One that runs: its port, and clients of it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def client(self, token: str | None = None, *, address: str = "127.0.0.2", **headers: str) -> httpx2.Client:
        """A client at an address of this machine, with a token or without."""
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        through = Through(self.port, address)
        return httpx2.Client(
            base_url=URL, transport=through, headers={**bearer, **headers}, trust_env=False, timeout=PATIENCE
        )


@contextmanager
def proxying(kind: str, server: str, folder: Path) -> Iterator[Proxy]:
    """Run a proxy before a server at an address like `127.0.0.1:8700`. Without it, the test is skipped."""
    port = _free_port()
    text = replaced(snippet(kind), SERVER, server)
    command = [_program(kind)]
    if kind == "nginx":
        certificate, key = _certificate(folder)
        text = replaced(text, "listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        text = replaced(text, f"/etc/ssl/{NAME}.pem", str(certificate))
        text = replaced(text, f"/etc/ssl/{NAME}.key", str(key))
        user = f"user {getpass.getuser()};" if os.getuid() == 0 else ""
        text = _NGINX.format(folder=folder, user=user, snippet=text)
        command += ["-p", str(folder), "-c", str(folder / "config"), "-e", str(folder / "errors")]
    else:
        text = _CADDY.format(folder=folder, port=port, other_port=_free_port(), snippet=text)
        command += ["run", "--adapter", "caddyfile", "--config", str(folder / "config")]
    (folder / "config").write_text(text, "utf-8")
    own = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=own)
    proxy = Proxy(port)
    try:
        wait_until(lambda: process.poll() is not None or _answers(proxy))
        assert process.poll() is None, (folder / "log").read_text("utf-8", "replace")
        yield proxy
    finally:
        process.terminate()
        process.wait(PATIENCE)


def replaced(text: str, old: str, new: str) -> str:
    """The text with one thing replaced, which has to stand there once."""
    assert text.count(old) == 1, (old, text)
    return text.replace(old, new)


def _answers(proxy: Proxy) -> bool:
    try:
        with proxy.client() as client:
            return client.get("/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def _program(kind: str) -> str:
    found = shutil.which(kind, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        reason = f"{kind} is not installed (on Debian: apt-get install {kind})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that nobody trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(encoding))
    private.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, private
