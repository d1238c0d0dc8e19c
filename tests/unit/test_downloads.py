"""Downloads against a real HTTPS server: resumed or restarted, verified, once, or refused."""

import hashlib
import http.server
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ganbench import downloads
from ganbench.downloads import CacheError, DownloadError, cache_folder, download

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at any path; its handler does what `behaviour` says."""

    behaviour = ""

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.requests: list[str | None] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.requests.append(asked)
        if self.server.behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/plain")
            self.end_headers()
            return
        if self.server.behaviour == "missing":
            self.send_error(404)
            return
        start = 0
        if asked and self.server.behaviour != "no range":
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        rest = CONTENT[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if self.server.behaviour == "slow":
            time.sleep(0.5)
        self.wfile.write(rest[: len(rest) // 2] if self.server.behaviour == "cut" else rest)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", file, "-out", f"{file}.crt", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def server(certificate):
    with Server(certificate) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def fetch(server, certificate, tmp_path):
    trusted = ssl.create_default_context(cafile=f"{certificate}.crt")

    def fetched(sha256=SHA256):
        url = f"https://127.0.0.1:{server.server_port}/file"
        return download(url, tmp_path / "cache/file", sha256=sha256, context=trusted)

    return fetched


def left(tmp_path):
    return sorted(file.name for file in (tmp_path / "cache").iterdir())


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:16]])
def test_file_is_verified_and_kept_and_asked_for_once(fetch, server, tmp_path, sha256):
    assert fetch(sha256).read_bytes() == CONTENT
    assert fetch(sha256).read_bytes() == CONTENT
    assert server.requests == [None]
    assert left(tmp_path) == [".file.lock", "file"]


@pytest.mark.parametrize("afterwards", ["", "no range"])
def test_interrupted_download_goes_on_or_starts_again(fetch, server, tmp_path, afterwards):
    server.behaviour = "cut"
    with pytest.raises(DownloadError, match="ended after"):
        fetch()
    half = len(CONTENT) // 2
    assert (tmp_path / "cache/file.partial").stat().st_size == half
    assert not (tmp_path / "cache/file").exists()
    server.behaviour = afterwards
    assert fetch().read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={half}-"]


def test_wrong_content_is_said_and_not_kept(fetch, tmp_path):
    with pytest.raises(DownloadError, match=f"SHA-256 is {SHA256}, expected 0000"):
        fetch("0000")
    assert left(tmp_path) == [".file.lock"]


def test_leftover_that_is_no_beginning_is_not_trusted(fetch, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file.partial").write_bytes(b"something else")
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch()
    assert fetch().read_bytes() == CONTENT


def test_redirect_away_from_https_is_refused(fetch, server):
    server.behaviour = "redirect"
    with pytest.raises(DownloadError, match="only https is downloaded from"):
        fetch()


def test_address_that_is_not_https_is_refused(tmp_path):
    with pytest.raises(DownloadError, match="only https"):
        download("http://127.0.0.1/file", tmp_path / "file", sha256=SHA256)


def test_missing_file_is_said_with_its_address(fetch, server):
    server.behaviour = "missing"
    with pytest.raises(DownloadError, match=r"https://127.0.0.1:\d+/file: Not Found"):
        fetch()


def test_certificate_that_nobody_vouches_for_is_refused(server, tmp_path):
    url = f"https://127.0.0.1:{server.server_port}/file"
    with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        download(url, tmp_path / "file", sha256=SHA256)


def test_eight_processes_at_once_download_once(server, certificate, tmp_path):
    server.behaviour = "slow"
    program = (
        "import ssl, sys; from pathlib import Path; from ganbench.downloads import download\n"
        "context = ssl.create_default_context(cafile=sys.argv[1])\n"
        "download(sys.argv[2], Path(sys.argv[3]), sha256=sys.argv[4], context=context)"
    )
    url = f"https://127.0.0.1:{server.server_port}/file"
    arguments = [f"{certificate}.crt", url, str(tmp_path / "cache/file"), SHA256]
    scripts = Path(downloads.__file__).parents[1]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env={**os.environ, "PYTHONPATH": str(scripts)},
        )
        for _ in range(8)
    ]
    assert [process.wait(timeout=60) for process in started] == [0] * 8
    assert server.requests == [None]
    assert (tmp_path / "cache/file").read_bytes() == CONTENT


def test_without_a_network_it_takes_seconds(tmp_path, monkeypatch):
    # an address that answers nothing: packets to it are dropped, or refused at once
    started = time.monotonic()
    with pytest.raises(DownloadError):
        download("https://192.0.2.1/file", tmp_path / "file", sha256=SHA256)
    assert time.monotonic() - started < 10


def test_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("GANBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/ganbench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home/.cache/ganbench"


def test_cache_that_cannot_be_made_is_said_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(CacheError, match="name another one in GANBENCH_CACHE"):
        cache_folder()


def test_cache_that_cannot_be_written_to_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(CacheError, match="not writable"):
        cache_folder()
