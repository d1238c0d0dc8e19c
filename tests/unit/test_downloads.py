"""Downloads against a real HTTPS server: resumed or restarted, verified, once, or refused."""

import hashlib
import http.server
import io
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ganbench.downloads import cache, https
from ganbench.downloads import download as downloads
from ganbench.downloads.cache import CacheError, cache_folder
from ganbench.downloads.download import DownloadError, download

CONTENT = bytes(range(256)) * 8192
HALF = len(CONTENT) // 2
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at any path; answers the n-th request as the n-th of `behaviours` says."""

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.ranges: list[str | None] = []
        self.behaviours: list[str] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}/file"

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        self.server.ranges.append(asked := self.headers.get("Range"))
        behaviour = self.server.behaviours.pop(0) if self.server.behaviours else "well"
        if behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/plain")
            self.end_headers()
            return
        if behaviour == "missing":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if behaviour == "whole":
            start = 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.answer(behaviour, start, goes_on=asked is not None and behaviour != "whole")

    def answer(self, behaviour: str, start: int, *, goes_on: bool) -> None:
        rest = CONTENT[start:]
        self.send_response(206 if goes_on else 200)
        if goes_on:
            said = 0 if behaviour == "another part" else start
            self.send_header("Content-Range", f"bytes {said}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if behaviour == "broken chunks":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"FFFF\r\n" + rest[:100])
            return
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if behaviour == "slow":
            time.sleep(0.5)
        self.wfile.write(rest[: HALF - start] if behaviour in ("cut", "hang") else rest)
        if behaviour == "hang":
            self.server.over.wait(20)

    def log_message(self, *arguments):
        """Keeps the tests' output clean."""


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
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.over.set()
        running.shutdown()


@pytest.fixture
def fetch(server, certificate, tmp_path):
    trusted = ssl.create_default_context(cafile=f"{certificate}.crt")

    def fetched(sha256=SHA256, log=None):
        to = tmp_path / "cache/file"
        return download(server.url, to, sha256=sha256, context=trusted, log=log)

    return fetched


@pytest.fixture
def process(server, certificate, tmp_path):
    """Starts another process that downloads the same file."""
    program = (
        "import ssl, sys; from pathlib import Path; "
        "from ganbench.downloads.download import download\n"
        "context = ssl.create_default_context(cafile=sys.argv[1])\n"
        "download(sys.argv[2], Path(sys.argv[3]), sha256=sys.argv[4], context=context)"
    )
    arguments = [f"{certificate}.crt", server.url, str(tmp_path / "cache/file"), SHA256]
    scripts = Path(downloads.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(scripts)}
    return lambda: subprocess.Popen([sys.executable, "-c", program, *arguments], env=environment)


def left(tmp_path):
    return sorted(file.name for file in (tmp_path / "cache").iterdir())


def leave(tmp_path, content):
    """What an interrupted download left."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file.partial").write_bytes(content)


@pytest.mark.parametrize("sha256", [SHA256, SHA256[:16], SHA256.upper()])
def test_file_is_verified_and_kept_and_asked_for_once(fetch, server, tmp_path, sha256):
    assert fetch(sha256).read_bytes() == CONTENT
    assert fetch(sha256).read_bytes() == CONTENT
    assert server.ranges == [None]
    assert left(tmp_path) == [".file.lock", "file"]


@pytest.mark.parametrize("behaviours", [["cut", "well"], ["cut", "whole"]])
def test_download_that_is_cut_off_halfway_goes_on_or_starts_again(fetch, server, behaviours):
    server.behaviours = behaviours
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-"]


def test_what_an_interrupted_download_left_is_gone_on_with(fetch, server, tmp_path):
    leave(tmp_path, CONTENT[:1000])
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_download_that_is_cut_off_and_brings_nothing_more_fails_and_keeps_what_came(
    fetch, server, tmp_path
):
    server.behaviours = ["cut", "cut"]
    with pytest.raises(DownloadError, match=r"ended after 0 of 1,048,576 bytes"):
        fetch()
    assert left(tmp_path) == [".file.lock", "file.partial"]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, *[f"bytes={HALF}-"] * 2]


def test_download_that_is_cut_off_in_a_chunk_fails_with_words(fetch, server):
    server.behaviours = ["broken chunks"]
    with pytest.raises(DownloadError, match="file: "):
        fetch()
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("leftover", "ranges"),
    [
        (CONTENT, [f"bytes={len(CONTENT)}-", None]),
        (CONTENT + b"more", [f"bytes={len(CONTENT) + 4}-", None]),
        (b"of another file", ["bytes=15-", None]),
    ],
)
def test_leftover_that_is_no_beginning_is_replaced(fetch, server, tmp_path, leftover, ranges):
    leave(tmp_path, leftover)
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == ranges


def test_part_that_was_not_asked_for_is_not_appended(fetch, server, tmp_path):
    leave(tmp_path, CONTENT[:1000])
    server.behaviours = ["another part"]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_wrong_content_is_said_and_not_kept(fetch, server, tmp_path):
    with pytest.raises(DownloadError, match=f"SHA-256 is {SHA256}, expected 00000000"):
        fetch("00000000")
    assert left(tmp_path) == [".file.lock"]
    assert server.ranges == [None]


def test_digest_that_says_too_little_is_not_accepted(fetch):
    with pytest.raises(ValueError, match="expected at least 8 digits"):
        fetch("")


def test_redirect_away_from_https_is_refused(fetch, server):
    server.behaviours = ["redirect"]
    with pytest.raises(DownloadError, match=r"redirected to http://.*; only https"):
        fetch()


def test_address_that_is_not_https_is_refused(tmp_path):
    with pytest.raises(DownloadError, match="only https"):
        download("http://127.0.0.1/file", tmp_path / "file", sha256=SHA256)


def test_missing_file_is_said_with_its_address(fetch, server):
    server.behaviours = ["missing"]
    with pytest.raises(DownloadError, match=r"https://127.0.0.1:\d+/file: .* 404 Not Found"):
        fetch()


def test_certificate_that_nobody_vouches_for_is_refused(server, tmp_path):
    with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        download(server.url, tmp_path / "file", sha256=SHA256)


def test_eight_processes_at_once_download_once(server, process, tmp_path):
    server.behaviours = ["slow"]
    started = [process() for _ in range(8)]
    assert [each.wait(timeout=60) for each in started] == [0] * 8
    assert server.ranges == [None]
    assert (tmp_path / "cache/file").read_bytes() == CONTENT


def test_download_of_a_killed_process_is_gone_on_with_by_the_next(fetch, server, process, tmp_path):
    server.behaviours = ["hang"]
    partial = tmp_path / "cache/file.partial"
    started, deadline = process(), time.monotonic() + 30
    while not (partial.exists() and partial.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    started.kill()
    started.wait()
    done = partial.stat().st_size
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={done}-"]


def test_log_says_what_is_downloaded_and_how_it_goes(fetch, server, monkeypatch):
    monkeypatch.setattr(downloads, "BLOCK", 1 << 18)
    server.behaviours = ["cut"]
    log = io.StringIO()
    fetch(log=log)
    assert f"downloading {server.url}" in log.getvalue()
    assert "going on" in log.getvalue()
    assert "100 %" in log.getvalue()


def test_server_that_falls_silent_is_given_up(fetch, server, monkeypatch):
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.3)
    server.behaviours = ["hang", "hang"]
    with pytest.raises(DownloadError, match="timed out"):
        fetch()


@pytest.mark.parametrize("function", ["getaddrinfo", "create_connection"])
def test_connection_that_never_stands_is_given_up(tmp_path, monkeypatch, function):
    monkeypatch.setattr(https, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(socket, function, lambda *_, **__: time.sleep(20))  # dropped packets
    started = time.monotonic()
    with pytest.raises(DownloadError, match=r"no connection within 0.2 seconds"):
        download("https://example.org/file", tmp_path / "file", sha256=SHA256)
    assert time.monotonic() - started < 5


def test_without_a_network_it_takes_seconds(tmp_path):
    started = time.monotonic()
    with pytest.raises(DownloadError, match=r"file: ."):  # 192.0.2.0/24 is nobody's (RFC 5737)
        download("https://192.0.2.1/file", tmp_path / "file", sha256=SHA256)
    assert time.monotonic() - started < 8


def test_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GANBENCH_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "home/mine"
    monkeypatch.delenv("GANBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/ganbench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / "home/.cache/ganbench"
    assert cache_folder().is_dir()


def test_cache_that_cannot_be_made_is_said_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(CacheError, match=r"file/cache: Not a directory; .* GANBENCH_CACHE"):
        cache_folder()


def test_without_a_home_the_way_out_is_named(monkeypatch):
    for name in ("GANBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache.Path, "home", homeless)
    with pytest.raises(CacheError, match="there is no home folder; name one in GANBENCH_CACHE"):
        cache_folder()


def test_cache_that_can_only_be_read_is_read(fetch, server, tmp_path, monkeypatch):
    fetch()
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("asks for more than reading"))
    assert fetch().read_bytes() == CONTENT


def test_cache_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(CacheError, match=r"cache: .*; name another in GANBENCH_CACHE"):
        download("https://127.0.0.1:9/file", tmp_path / "cache/file", sha256=SHA256)
