"""Opens addresses that begin with https, within seconds or not at all."""

import ssl
import threading
import urllib.error
import urllib.request
from http.client import HTTPResponse, HTTPSConnection

CONNECT_SECONDS = 3
"""Until a connection must stand: the name looked up, every address of it tried, TLS agreed on."""


def opener(context: ssl.SSLContext | None = None) -> urllib.request.OpenerDirector:
    """What opens addresses, and follows no redirect away from https.

    `context` says whom to trust, where that is not whom the machine trusts.
    """
    return urllib.request.build_opener(_OnlyHttps(), _Https(context))


class _Connection(HTTPSConnection):
    """Stands within CONNECT_SECONDS, or never.

    A socket's own time limit holds for each address of a name anew, and not for looking it up.
    """

    def connect(self) -> None:
        """Connects in a thread, which is left behind where it does not come back."""
        failed: list[Exception] = []

        def attempt() -> None:
            try:
                HTTPSConnection.connect(self)
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(CONNECT_SECONDS)
        if thread.is_alive():
            raise TimeoutError(f"no connection within {CONNECT_SECONDS} seconds")
        if failed:
            raise failed[0]


class _Https(urllib.request.HTTPSHandler):
    """Opens `_Connection`s."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self.trusted = context or ssl.create_default_context()

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        """Called by urllib for every address that begins with https."""
        return self.do_open(_Connection, request, context=self.trusted)


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows no redirect away from https."""

    def redirect_request(self, request, file, code, message, headers, new_url):  # noqa: PLR0917 (the library's)
        if not new_url.startswith("https://"):
            raise urllib.error.URLError(f"redirected to {new_url}; only https is downloaded from")
        return super().redirect_request(request, file, code, message, headers, new_url)
