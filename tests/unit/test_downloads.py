"""Downloads from a real HTTPS server: resumed, verified, made only once, or refused."""

import hashlib
import http.server
import io
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from ganbench.downloads import cache, https
from ganbench.downloads import download as downloads
from ganbench.downloads.cache import CacheError, find_cache_folder
from ganbench.downloads.download import DownloadError, download

CONTENT = bytes(range(256)) * 8192
HALF = len(CONTENT) // 2
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ANSWERS = {"missing": 404, "busy": 503, "proxy waits in vain": 504}


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at any path; answers the n-th request by the n-th of `behaviours`."""

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.ranges: list[str | None] = []
        self.behaviours: list[str] = []
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}/file"

    def handle_error(self, request, client_address):
        """Some tests make the client hang up."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        requested = self.headers.get("Range")
        self.server.ranges.append(requested)
        behaviour = self.server.behaviours.pop(0) if self.server.behaviours else "well"
        if behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/plain")
            self.end_headers()
            return
        if behaviour in ANSWERS:
            self.send_error(ANSWERS[behaviour])
            return
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested else 0
        if behaviour == "whole":
            start = 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        is_partial = requested is not None and behaviour != "whole"
        self.answer(behaviour, start, is_partial=is_partial)

    def answer(self, behaviour: str, start: int, *, is_partial: bool) -> None:
        rest = CONTENT[start:]
        self.send_response(206 if is_partial else 200)
        if is_partial:
            first = 0 if behaviour == "another part" else start
            self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
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
            self.server.stopped.wait(20)

    def log_message(self, *arguments):
        """Prints nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-keyout", file, "-out", f"{file}.crt"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.fixture
def server(certificate):
    with Server(certificate) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.stopped.set()
        running.shutdown()


@pytest.fixture
def fetch(server, certificate, tmp_path):
    trusted = ssl.create_default_context(cafile=f"{certificate}.crt")

    def fetch_file(sha256=SHA256, log=None):
        to = tmp_path / "cache/file"
        return download(server.url, to, sha256=sha256, context=trusted, log=log)

    return fetch_file


@pytest.fixture
def start_process(server, certificate, tmp_path):
    """A function that starts another process, which downloads the same file."""
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


def list_cache(tmp_path):
    return sorted(file.name for file in (tmp_path / "cache").iterdir())


def write_partial(tmp_path, content):
    """Writes what an interrupted download leaves."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/file.partial").write_bytes(content)


@pytest.mark.parametrize(
    "sha256", [SHA256, SHA256[:16], SHA256.upper()], ids=["whole", "first digits", "upper case"]
)
def test_file_is_verified_and_downloaded_once(fetch, server, tmp_path, sha256):
    assert fetch(sha256).read_bytes() == CONTENT
    assert fetch(sha256).read_bytes() == CONTENT
    assert server.ranges == [None]
    assert list_cache(tmp_path) == [".file.lock", "file"]


@pytest.mark.parametrize(
    "behaviours", [["cut", "well"], ["cut", "whole"]], ids=["resumed", "restarted"]
)
def test_download_that_breaks_off_is_resumed_or_restarted(fetch, server, behaviours):
    server.behaviours = behaviours
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={HALF}-"]


def test_interrupted_download_is_resumed(fetch, server, tmp_path):
    write_partial(tmp_path, CONTENT[:1000])
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_download_without_progress_fails_and_keeps_its_part(fetch, server, tmp_path):
    server.behaviours = ["cut", "cut"]
    with pytest.raises(DownloadError, match=r"ended after 0 of 1,048,576 bytes"):
        fetch()
    assert list_cache(tmp_path) == [".file.lock", "file.partial"]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, *[f"bytes={HALF}-"] * 2]


def test_download_that_breaks_off_within_a_chunk_fails_in_words(fetch, server):
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
    ids=["complete", "too long", "of another file"],
)
def test_leftover_that_is_not_a_beginning_is_replaced(fetch, server, tmp_path, leftover, ranges):
    write_partial(tmp_path, leftover)
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == ranges


def test_part_that_was_not_requested_is_not_appended(fetch, server, tmp_path):
    write_partial(tmp_path, CONTENT[:1000])
    server.behaviours = ["another part"]
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_server_that_goes_on_sending_other_parts_is_given_up(fetch, server, tmp_path):
    write_partial(tmp_path, CONTENT[:1000])
    server.behaviours = ["another part", "cut", "another part", "cut", "another part"]
    with pytest.raises(DownloadError, match="other bytes than those that were asked for"):
        fetch()
    assert list_cache(tmp_path) == [".file.lock"]
    assert fetch().read_bytes() == CONTENT


@pytest.mark.promise("verified-downloads")
def test_wrong_content_is_refused_and_discarded(fetch, server, tmp_path):
    with pytest.raises(DownloadError, match=f"SHA-256 {SHA256}, expected 00000000"):
        fetch("00000000")
    assert list_cache(tmp_path) == [".file.lock"]
    assert server.ranges == [None]


def test_digest_that_is_too_short_is_refused(fetch):
    with pytest.raises(ValueError, match="expected at least 8 digits"):
        fetch("")


@pytest.mark.promise("verified-downloads")
def test_redirect_away_from_https_is_refused(fetch, server):
    server.behaviours = ["redirect"]
    with pytest.raises(DownloadError, match=r"redirected to http://.*, expected an https"):
        fetch()


@pytest.mark.promise("verified-downloads")
def test_address_that_is_not_https_is_refused(tmp_path):
    with pytest.raises(DownloadError, match="expected an https address"):
        download("http://127.0.0.1/file", tmp_path / "file", sha256=SHA256)


def test_missing_file_is_reported_with_its_address(fetch, server):
    server.behaviours = ["missing"]
    with pytest.raises(DownloadError, match=r"https://127.0.0.1:\d+/file: .* 404 Not Found"):
        fetch()


def test_certificate_that_is_not_trusted_is_refused(server, tmp_path):
    with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
        download(server.url, tmp_path / "file", sha256=SHA256)


@pytest.mark.promise("shared-cache")
def test_eight_processes_at_once_download_once(server, start_process, tmp_path):
    server.behaviours = ["slow"]
    processes = [start_process() for _ in range(8)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 8
    assert server.ranges == [None]
    assert (tmp_path / "cache/file").read_bytes() == CONTENT


def test_download_of_a_killed_process_is_resumed(fetch, server, start_process, tmp_path):
    server.behaviours = ["hang"]
    partial = tmp_path / "cache/file.partial"
    process, deadline = start_process(), time.monotonic() + 30
    while not (partial.exists() and partial.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    size = partial.stat().st_size
    assert fetch().read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={size}-"]


def test_log_shows_the_address_and_the_progress(fetch, server, monkeypatch):
    monkeypatch.setattr(downloads, "BLOCK", 1 << 18)
    server.behaviours = ["cut"]
    log = io.StringIO()
    fetch(log=log)
    assert f"downloading {server.url}" in log.getvalue()
    assert "; resuming" in log.getvalue()
    assert "100 %" in log.getvalue()


def test_silent_server_is_given_up(fetch, server, monkeypatch):
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.3)
    server.behaviours = ["hang", "hang"]
    with pytest.raises(DownloadError, match="timed out"):
        fetch()


@pytest.mark.parametrize("function", ["getaddrinfo", "create_connection"])
def test_connection_that_is_never_made_is_given_up(tmp_path, monkeypatch, function):
    monkeypatch.setattr(https, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(socket, function, lambda *_, **__: time.sleep(20))  # dropped packets
    started = time.monotonic()
    with pytest.raises(DownloadError, match=r"no connection within 0.2 seconds"):
        download("https://example.org/file", tmp_path / "file", sha256=SHA256)
    assert time.monotonic() - started < 5


class Proxy(socketserver.ThreadingTCPServer):
    """Connects its first client after a while that is too long, and all others at once."""

    def __init__(self, wait: threading.Event) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.daemon_threads = True
        self.wait = wait
        self.clients = 0


class Tunnel(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self):
        self.server.clients += 1
        if self.server.clients == 1:
            self.server.wait.wait(20)
            return
        host, port = self.rfile.readline().split()[1].decode().split(":")
        while self.rfile.readline().strip():
            pass
        with socket.create_connection((host, int(port))) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            answers = threading.Thread(target=pump, args=(upstream, self.connection))
            answers.start()
            pump(self.connection, upstream)
            answers.join()


def pump(source, target):
    """Passes bytes on until `source` ends."""
    with suppress(OSError):
        while block := source.recv(1 << 16):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


def test_slow_proxy_has_15_seconds_and_is_asked_again(fetch, monkeypatch):
    assert https.CONNECT_SECONDS == 15
    monkeypatch.setattr(https, "CONNECT_SECONDS", 1)
    wait, log = threading.Event(), io.StringIO()
    with Proxy(wait) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_address[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        assert fetch(log=log).read_bytes() == CONTENT
        wait.set()
        proxy.shutdown()
    assert proxy.clients == 2
    assert "no connection within 1 seconds; trying again" in log.getvalue()


@pytest.mark.parametrize("behaviour", ["busy", "proxy waits in vain"])
def test_overloaded_server_is_asked_again_but_not_for_ever(fetch, server, monkeypatch, behaviour):
    monkeypatch.setattr(downloads, "RETRY_SECONDS", 0)
    server.behaviours = [behaviour] * 3
    with pytest.raises(DownloadError, match=f"the server answered {ANSWERS[behaviour]}"):
        fetch()
    assert len(server.ranges) == 3
    server.behaviours = [behaviour]
    assert fetch().read_bytes() == CONTENT


def test_answer_that_will_not_change_is_not_asked_for_again(fetch, server):
    server.behaviours = ["missing"]
    with pytest.raises(DownloadError, match="404"):
        fetch()
    assert len(server.ranges) == 1


def test_download_without_a_network_fails_within_seconds(tmp_path):
    started = time.monotonic()
    with pytest.raises(DownloadError, match=r"file: ."):  # 192.0.2.0/24 is nobody's (RFC 5737)
        download("https://192.0.2.1/file", tmp_path / "file", sha256=SHA256)
    assert time.monotonic() - started < 8


def test_cache_folder_is_taken_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GANBENCH_CACHE", "~/mine")
    assert find_cache_folder() == tmp_path / "home/mine"
    monkeypatch.delenv("GANBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert find_cache_folder() == tmp_path / "xdg/ganbench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert find_cache_folder() == tmp_path / "home/.cache/ganbench"
    assert find_cache_folder().is_dir()


@pytest.mark.promise("cache-not-writable")
def test_cache_that_cannot_be_created_is_reported_with_a_remedy(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file/cache"))
    with pytest.raises(CacheError, match=r"file/cache: Not a directory; .* GANBENCH_CACHE"):
        find_cache_folder()


@pytest.mark.promise("cache-not-writable")
def test_missing_home_folder_is_reported_with_a_remedy(monkeypatch):
    for name in ("GANBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def fail():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache.Path, "home", fail)
    with pytest.raises(CacheError, match="no home folder; set GANBENCH_CACHE to a folder"):
        find_cache_folder()


def test_read_only_cache_is_read(fetch, server, tmp_path, monkeypatch):
    fetch()
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("creates a folder"))
    assert fetch().read_bytes() == CONTENT


@pytest.mark.promise("cache-not-writable")
def test_cache_that_cannot_be_written_to_is_reported_with_a_remedy(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(CacheError, match=r"cache: .*; set GANBENCH_CACHE to another folder"):
        download("https://127.0.0.1:9/file", tmp_path / "cache/file", sha256=SHA256)
