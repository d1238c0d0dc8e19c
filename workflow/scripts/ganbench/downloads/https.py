"""Opens https addresses, with a limit on the time that connecting takes."""

import ssl
import threading
import urllib.error
import urllib.request
from http.client import HTTPResponse, HTTPSConnection

CONNECT_SECONDS = 15
"""Time for the whole connection: name lookup, every address of the name, a proxy's own connection,
TLS handshake. A proxy that scans what it passes on may take ten seconds."""


class ConnectTimeoutError(TimeoutError):
    """No connection was made in CONNECT_SECONDS; another attempt may succeed."""


def build_opener(context: ssl.SSLContext | None = None) -> urllib.request.OpenerDirector:
    """A urllib opener that follows no redirect away from https.

    `context` holds the trusted certificates; without it they are those of the system.
    """
    return urllib.request.build_opener(_HttpsRedirects(), _HttpsHandler(context))


class _Connection(HTTPSConnection):
    """A connection that is made within CONNECT_SECONDS or not at all.

    A socket's own time limit applies to each address of a name separately, and not to the lookup.
    """

    def connect(self) -> None:
        """Connects in a thread, which is abandoned when the time is over."""
        errors: list[Exception] = []

        def attempt() -> None:
            try:
                HTTPSConnection.connect(self)
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(CONNECT_SECONDS)
        if thread.is_alive():
            raise ConnectTimeoutError(f"no connection within {CONNECT_SECONDS} seconds")
        if errors:
            raise errors[0]


class _HttpsHandler(urllib.request.HTTPSHandler):
    """Opens addresses through a `_Connection`."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self.trusted = context or ssl.create_default_context()

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        """Called by urllib for every https address."""
        return self.do_open(_Connection, request, context=self.trusted)


class _HttpsRedirects(urllib.request.HTTPRedirectHandler):
    """Refuses redirects away from https."""

    def redirect_request(self, request, file, code, message, headers, new_url):  # noqa: PLR0917 (urllib's signature)
        if not new_url.startswith("https://"):
            raise urllib.error.URLError(f"redirected to {new_url}, expected an https address")
        return super().redirect_request(request, file, code, message, headers, new_url)
