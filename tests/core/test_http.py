"""The one way out, against servers on this machine that misbehave."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import http
from core.clock import now
from core.http import HttpRefused, HttpUnknown, HttpUnreachable, request


class Peer:
    """A server that notes what it was sent and answers with given bytes, or worse."""

    def __init__(self, answer=b"", *, pause=0.0, reset=False, tls=None):
        self.answer, self.pause, self.reset, self.tls = answer, pause, reset, tls
        self.heard: list[bytes] = []
        self.done = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.done.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            plain.settimeout(5)
            with contextlib.suppress(OSError), self.wrapped(plain) as wire:
                self.talk(wire)

    def wrapped(self, plain):
        return self.tls.wrap_socket(plain, server_side=True) if self.tls else plain

    def talk(self, wire):
        self.heard.append(self.hear(wire))
        if self.reset:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return
        for byte in (self.answer[i : i + 1] for i in range(len(self.answer))):
            if self.pause and self.done.wait(self.pause):
                return
            wire.sendall(byte)
        if not self.answer:
            self.done.wait(5)

    @staticmethod
    def hear(wire):
        heard = wire.recv(65536)
        head, _, body = heard.partition(b"\r\n\r\n")
        _, _, length = head.partition(b"content-length: ")
        missing = int(length.split(b"\r\n")[0] or 0) - len(body)
        return heard + (wire.recv(65536) if missing > 0 else b"")


def answer(status="200 OK", body=b"fine", *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def call(peer, path="/", method="GET", scheme="http", **options):
    return request(method, f"{scheme}://{peer.host}{path}", hosts=[peer.host], **options)


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 and api.example that no test trusts by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("api.example")]
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http._tls.cache_clear()
    yield
    http._tls.cache_clear()


def test_an_answer_comes_back_whole():
    """Method, path, query, headers and body arrive; status, headers and body come back."""
    with Peer(answer("201 Created", b'{"id": "x"}', "X-Kind: test")) as peer:
        found = call(peer, "/v1/a?b=c%20d", "POST", body=b"{}", headers={"X-Key": "k1"})

    assert (found.status, found.body, found.json()) == (201, b'{"id": "x"}', {"id": "x"})
    assert found.headers["x-kind"] == "test"
    head, _, body = peer.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/a?b=c%20d HTTP/1.1\r\n")
    assert b"x-key: k1" in head
    assert f"host: {peer.host}".encode() in head
    assert b"content-length: 2" in head
    assert body == b"{}"


def test_an_answer_in_chunks_is_read():
    """A body may come in chunks of unknown number."""
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with Peer(text) as peer:
        assert call(peer).body == b"abcde"


@pytest.mark.parametrize("status", [204, 400, 404, 429, 500, 503])
def test_every_status_is_an_answer(status):
    """What a status means is the caller's matter."""
    with Peer(answer(f"{status} Hm", b"")) as peer:
        assert call(peer).status == status


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Moved"])
def test_a_redirect_is_not_followed(status):
    """A redirect comes back as it is: 302 to the cloud's metadata must lead nowhere."""
    with Peer(answer()) as other:
        target = f"Location: http://{other.host}/"
        with Peer(answer(status, b"", target)) as peer:
            found = request("GET", f"http://{peer.host}/", hosts=[peer.host, other.host])

    assert found.status == int(status[:3])
    assert found.headers["location"] == f"http://{other.host}/"
    assert other.heard == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    """Whoever sets HTTP_PROXY must not read what is sent."""
    with Peer(answer(body=b"proxy")) as proxy, Peer(answer(body=b"peer")) as peer:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        assert call(peer).body == b"peer"

    assert proxy.heard == []


def test_a_host_that_was_not_declared_is_refused():
    """Nothing is sent to a host, or a port, that the plugin's manifest does not name."""
    with Peer(answer()) as peer:
        port = peer.host.rpartition(":")[2]
        for hosts in ([], ["127.0.0.1"], ["127.0.0.1:1"], [f"localhost:{port}"]):
            with pytest.raises(HttpRefused):
                request("GET", f"http://{peer.host}/", hosts=hosts)

    assert peer.heard == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/",
        "http://192.168.1.1/",
        "ftp://api.example/",
        "file:///etc/passwd",
        "//api.example/",
        "api.example",
        "https://",
        "https://me:pw@api.example/",
        "https://api.example@127.0.0.1/",
        "https://api.example:99999/",
        "https://api.example/a b",
        "https://api.example/\r\nHost: x",
        "https://api.example/è",
        "https://[::1/",
        "https://api.example\\.evil.example/",
        "https://api.example.evil.example/",
        "",
    ],
)
def test_what_is_no_encrypted_address_of_a_declared_host_is_refused(url, monkeypatch):
    """Only https to declared names leaves this machine; http goes to this machine alone."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: pytest.fail("looked up"))

    with pytest.raises(HttpRefused):
        request("GET", url, hosts=["api.example", "127.0.0.1", "192.168.1.1", "::1"])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_somebody_chose_never_leads_to_this_machine(scheme, trusted, tls):
    """With `outside` a declared host on this machine is not called, encrypted or not."""
    with Peer(answer(), tls=tls) as peer, pytest.raises(HttpRefused):
        call(peer, scheme=scheme, outside=True)

    assert peer.heard == []


def test_an_odd_method_is_refused():
    """Methods are a short list."""
    with pytest.raises(HttpRefused):
        request("TRACE", "https://api.example/", hosts=["api.example"])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.251",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.8",
        "64:ff9b::a9fe:a9fe",
        "2002:a00:8::1",
    ],
)
def test_a_name_that_leads_into_a_private_network_is_refused(address, monkeypatch):
    """A declared name whose address is private, local or wraps such a one is not called."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_a: pytest.fail("connected"))

    with pytest.raises(HttpRefused, match="private"):
        request("GET", "https://api.example/", hosts=["api.example"])


def test_an_address_is_looked_up_once(monkeypatch, trusted, tls):
    """The address that was judged is the one that is called, so a second answer changes nothing."""
    lookups = []

    def look_up(host, port, *_a, **_k):
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]

    called = []

    def connect(address, timeout):
        called.append(address)
        plain = socket.socket()
        plain.settimeout(timeout)
        plain.connect(("127.0.0.1", peer_port))
        return plain

    with Peer(answer(), tls=tls) as peer:
        peer_port = int(peer.host.rpartition(":")[2])
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(socket, "create_connection", connect)
        found = request("GET", "https://api.example/", hosts=["API.example"], outside=True)
        monkeypatch.undo()

    assert found.status == 200
    assert lookups == ["api.example"]
    assert called == [("93.184.215.14", 443)]
    assert b"host: api.example\r\n" in peer.heard[0]


def test_an_encrypted_answer_comes_back(trusted, tls):
    """https works with a certificate that is trusted."""
    with Peer(answer(), tls=tls) as peer:
        assert call(peer, scheme="https").body == b"fine"


def test_an_untrusted_certificate_means_that_nothing_was_sent(tls):
    """A self-signed server gets no request."""
    http._tls.cache_clear()
    with Peer(answer(), tls=tls) as peer, pytest.raises(HttpUnreachable, match="SSLCert"):
        call(peer, scheme="https")

    assert peer.heard == []


def test_a_closed_door_means_that_nothing_was_sent():
    """A refused connection and an unknown name are certain: nothing happened."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(HttpUnreachable):
        request("POST", f"http://{host}/", hosts=[host], body=b"x")


def test_an_unknown_name_means_that_nothing_was_sent(monkeypatch):
    """A name that cannot be found was not called."""

    def fail(*_a, **_k):
        raise socket.gaierror("no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(HttpUnreachable):
        request("POST", "https://api.example/", hosts=["api.example"], body=b"x")


@pytest.mark.parametrize("header", [{"X-A": "a\r\nX-B: b"}, {"X A": "a"}, {"X-A": "\n"}])
def test_a_header_cannot_smuggle_another(header):
    """A header with a line break is refused before anything is sent."""
    with Peer(answer()) as peer, pytest.raises(HttpRefused):
        call(peer, headers=header)

    assert peer.heard == []


def test_a_caller_cannot_change_host_or_length():
    """Whom we call and how long a body is are said by the client alone."""
    with Peer(answer()) as peer:
        headers = {"Host": "evil.example", "Content-Length": "99", "Connection": "keep-alive"}
        call(peer, method="POST", body=b"ab", headers=headers)

    assert b"evil" not in peer.heard[0]
    assert peer.heard[0].count(b"content-length: 2") == 1
    assert b"connection: close" in peer.heard[0]


def test_silence_is_unknown():
    """A time-out after the request was sent may hide a done deed."""
    with Peer(b"") as peer, pytest.raises(HttpUnknown, match="TimeoutError"):
        call(peer, method="POST", body=b"x", timeout=0.3)

    assert peer.heard[0].endswith(b"x")


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_dripping_answer_ends_at_the_deadline(where):
    """The time is for the whole call: a byte now and then does not prolong it."""
    text = answer(body=b"x" * 1_000) if where == "body" else b"HTTP/1.1 200 OK\r\n" + b"X" * 1_000
    started = time.monotonic()
    with Peer(text, pause=0.02) as peer, pytest.raises(HttpUnknown):
        call(peer, timeout=0.5)

    assert time.monotonic() - started < 2


def test_a_reset_is_unknown():
    """A connection that breaks after the request was sent may hide a done deed."""
    with Peer(reset=True) as peer, pytest.raises(HttpUnknown):
        call(peer, method="POST", body=b"x")

    assert peer.heard != []


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
        b"\x00\xff\xfe\r\n\r\n",
        b"\r\n",
    ],
)
def test_garbage_is_unknown(text):
    """What is no whole HTTP answer says nothing about what was done."""
    with Peer(text) as peer, pytest.raises(HttpUnknown):
        call(peer)


@pytest.mark.parametrize("length", ["Content-Length: 2000", "X-None: x"])
def test_too_long_an_answer_is_unknown(length):
    """More bytes than wanted are not read; exactly as many are."""
    text = f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode() + b"x" * 2_000
    with Peer(text) as peer:
        assert len(call(peer, most_bytes=2_000).body) == 2_000
    with Peer(text) as peer, pytest.raises(HttpUnknown, match="longer"):
        call(peer, most_bytes=1_999)


def test_an_answer_that_is_no_json_is_unknown():
    """A proxy's HTML page with status 200 is no answer of the one that was asked."""
    with Peer(answer(body=b"<html>")) as peer:
        found = call(peer)
    with pytest.raises(HttpUnknown):
        found.json()


def test_errors_do_not_show_the_query():
    """Queries may carry keys, and errors go into logs."""
    with Peer(b"") as peer, pytest.raises(HttpUnknown) as caught:
        call(peer, "/a?key=hunter2", timeout=0.2)

    assert "hunter2" not in str(caught.value)
