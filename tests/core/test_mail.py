"""Messages in an outbox."""

from __future__ import annotations

import base64
import email
import email.policy
import ipaddress
import logging
import socketserver
import ssl
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import mail
from core.clock import now
from core.errors import Refused
from core.storage import Shredded, execute, shred, transaction


@pytest.fixture(autouse=True)
def ways(monkeypatch):
    monkeypatch.setattr(mail, "_ways", mail._Ways())


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate for 127.0.0.1 that this test alone trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + built.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


class Session(socketserver.StreamRequestHandler):
    """Just enough of SMTP to take a message, note what was said, and be rude on demand."""

    def handle(self):
        self.say("220 sink")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            self.server.heard.append(line)
            if word == "EHLO":
                self.say("250-sink\r\n250-AUTH PLAIN\r\n250 " + self.server.offer)
            elif word == "STARTTLS":
                self.say("220 go")
                if not self.encrypt():
                    return
            elif word == "DATA":
                self.take()
            elif word == "RCPT":
                self.say(self.server.answer)
            elif word == "AUTH":
                self.say("235 welcome")
            elif word == "QUIT":
                return  # a rude goodbye: the message was taken all the same
            else:
                self.say("250 fine")

    def encrypt(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate)
        try:
            self.request = context.wrap_socket(self.request, server_side=True)
        except OSError:
            return False
        self.server.encrypted = True
        self.setup()
        return True

    def take(self):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        self.server.taken.append(b"".join(lines))
        self.say("250 taken")

    def finish(self):
        super().finish()
        self.request.close()

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def sink():
    """A mail server on this machine."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        server.heard, server.taken, server.offer = [], [], "SIZE"
        server.answer, server.certificate, server.encrypted = "250 fine", None, False
        server.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def rows():
    sql = "SELECT id, sent, attempts, next_try, error FROM mail_message ORDER BY id"
    return execute(sql).fetchall()


def put(recipient="reader@site.example", subject="Il tuo codice", body="È 123456.\n"):
    return mail.send(recipient, subject, body, "it")


def test_a_message_goes_with_the_change_that_caused_it(db):
    """A message of a rolled-back change is never sent, and nobody is woken for it."""
    woken = []
    mail.set_wake(lambda: woken.append(1))

    def roll_back():
        with transaction():
            put()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        roll_back()
    assert (rows(), woken) == ([], [])

    with transaction():
        put()
        assert woken == []
    assert (len(rows()), woken) == (1, [1])


def test_the_console_is_a_transport(db, caplog):
    """Without a mail server the message is in the log, and counts as sent."""
    put()
    with caplog.at_level(logging.INFO, "obolo.mail"):
        assert mail.deliver_due(now()) == 1

    assert "reader@site.example" in caplog.text
    assert "È 123456." in caplog.text
    assert rows()[0][1] is not None
    assert mail.deliver_due(now() + timedelta(days=9)) == 0


def test_a_message_reaches_a_mail_server(db, sink):
    """What arrives is one plain text with all headers, and a Message-ID made of its row."""
    mail.configure(sink.url, sender="shop@site.example")
    message_id = put()
    assert mail.deliver_due(now()) == 1

    found = email.message_from_bytes(sink.taken[0], policy=email.policy.default)
    assert found["From"] == "shop@site.example"
    assert found["To"] == "reader@site.example"
    assert found["Subject"] == "Il tuo codice"
    assert found["Message-ID"] == f"<{message_id}@site.example>"
    assert found["Content-Language"] == "it"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Date"].datetime <= now()
    assert found.get_content().splitlines() == ["È 123456."]
    assert "mail FROM:<shop@site.example>" in " ".join(sink.heard)


def test_encryption_is_used_when_it_is_offered(db, sink, certificate):
    """STARTTLS comes before name and password."""
    sink.offer, sink.certificate = "STARTTLS", certificate
    mail.configure(sink.url.replace("//", "//me%40x:p%2Fw@"))
    put()

    assert mail.deliver_due(now()) == 1
    assert sink.encrypted
    words = [line.split()[0].upper() for line in sink.heard]
    assert words.index("STARTTLS") < words.index("AUTH")
    assert base64.b64decode(sink.heard[words.index("AUTH")].split()[2]) == b"\0me@x\0p/w"


def test_an_untrusted_certificate_stops_the_message(db, sink, certificate, monkeypatch):
    """A server that cannot prove its name gets neither message nor password."""
    sink.offer, sink.certificate = "STARTTLS", certificate
    monkeypatch.delenv("SSL_CERT_FILE")
    mail.configure(sink.url.replace("//", "//me:hunter2@"))
    put()

    assert mail.deliver_due(now()) == 0
    assert sink.taken == []
    assert not any("AUTH" in line for line in sink.heard)
    assert "certificate" in rows()[0][4].lower()
    assert "hunter2" not in rows()[0][4]


def test_a_server_elsewhere_must_offer_encryption(db, sink, monkeypatch):
    """Only a server on this machine may be spoken to in clear."""
    assert mail._is_here("127.0.0.1")
    assert mail._is_here("localhost")
    assert not mail._is_here("mail.example")
    assert not mail._is_here("192.168.1.5")

    monkeypatch.setattr(mail, "_is_here", lambda host: False)
    mail.configure(sink.url.replace("//", "//me:hunter2@"))
    put()
    assert mail.deliver_due(now()) == 0
    assert sink.taken == []
    assert not any("AUTH" in line for line in sink.heard)


def test_smtps_is_encrypted_from_the_start(db, sink):
    """A server that answers in clear is no smtps server."""
    mail.configure(sink.url.replace("smtp:", "smtps:"))
    put()

    assert mail.deliver_due(now()) == 0
    assert sink.taken == []


def test_a_refused_recipient_does_not_stop_the_others(db, sink):
    """A no from the server is about one message."""
    mail.configure(sink.url)
    sink.answer = "550 nobody here"
    first = put()
    second = put()

    assert mail.deliver_due(now()) == 0
    assert [line for line in sink.heard if line.lower().startswith("rcpt")] != []
    assert [row[0] for row in rows() if "550" in row[4]] == [first, second]


def test_a_dead_server_ends_the_round(db):
    """When nobody answers, the other messages wait instead of waiting for a time-out each."""
    mail.configure("smtp://127.0.0.1:9")
    put()
    put()

    assert mail.deliver_due(now()) == 0
    assert sorted(row[2] for row in rows()) == [0, 1]


def test_pauses_grow_and_then_it_is_given_up(db, monkeypatch):
    """Tries after 1 minute, 10 minutes, 1 hour, 6 hours, 1 day; six in all."""
    tries = []

    def fails(message):
        tries.append(at)
        raise OSError("no")

    mail.set_first(fails)
    put()
    at = start = now()
    for _ in range(3 * 24 * 60):
        mail.deliver_due(at)
        at += timedelta(minutes=1)

    waits = [later - earlier for earlier, later in pairwise(tries)]
    minutes = [wait // timedelta(minutes=1) for wait in waits]
    assert minutes == [1, 10, 60, 360, 1440]
    assert tries[0] == start
    assert rows()[0][1:4] == (None, 6, None)
    assert rows()[0][4] == "OSError: no"


def test_a_later_try_can_succeed(db):
    """A failure is only noted until it works."""
    answers = [OSError("no"), None]

    def first(message):
        answer = answers.pop(0)
        if answer:
            raise answer
        return True

    mail.set_first(first)
    put()
    assert mail.deliver_due(now()) == 0
    assert mail.deliver_due(now()) == 0
    assert mail.deliver_due(now() + timedelta(minutes=1)) == 1

    sent, attempts, next_try, error = rows()[0][1:]
    assert (sent is not None, attempts, next_try, error) == (True, 2, None, None)


def test_the_first_transport_may_leave_it_to_the_next(db, sink):
    """A plugin's transport that answers False takes nothing."""
    offered = []
    mail.configure(sink.url)
    mail.set_first(lambda message: offered.append(message) or message.language == "en")
    put()
    mail.send("reader@site.example", "Hello", "Hi", "en")

    assert mail.deliver_due(now()) == 2
    assert len(offered) == 2
    assert len(sink.taken) == 1


def test_two_workers_do_not_send_the_same(db):
    """A message is taken for a try before it is sent; who comes later passes it over."""
    sent = []

    def first(message):
        sent.append(message.id)
        assert mail.deliver_due(now()) == 0  # another worker, while this one is sending
        return True

    mail.set_first(first)
    put()

    assert mail.deliver_due(now()) == 1
    assert len(sent) == 1


def test_a_claim_is_lost_to_who_was_faster(db):
    """Of two workers that read the same row only one may send it."""
    message_id = put()

    assert mail._claim(message_id, 0, now())
    assert not mail._claim(message_id, 0, now())


def test_a_message_that_ends_its_worker_is_tried_again_but_not_for_ever(db):
    """A try that never came back counts; after six of them the message is given up."""
    message_id = put()
    at = now()
    for attempts in range(6):
        assert mail._claim(message_id, attempts, at)
        at += timedelta(days=2)

    assert mail.deliver_due(at) == 0
    assert rows()[0][1:4] == (None, 6, None)


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "a@b.example\n",
        "A <a@b.example>",
        "a@b@c.example",
        "@b.example",
        "a@",
        "a",
        "",
        "a\x00@b.example",
        "x" * 250 + "@b.example",
    ],
)
def test_one_message_has_one_recipient(db, recipient):
    """What could smuggle in further recipients or headers is refused, and nothing is stored."""
    with pytest.raises(Refused):
        put(recipient)

    assert rows() == []


@pytest.mark.parametrize("subject", ["Hi\r\nBcc: c@d.example", "Hi\n", "Hi\x0b", "x" * 301])
def test_a_subject_is_one_line(db, subject):
    """A subject with a line break would be a header of somebody else's."""
    with pytest.raises(Refused):
        put(subject=subject)

    assert rows() == []


def test_too_long_a_body_is_refused(db):
    """There is a limit on everything."""
    with pytest.raises(Refused):
        put(body="x" * 100_001)


def test_no_transaction_waits_for_a_mail_server(db):
    """Delivering inside a transaction is a bug."""
    with transaction(), pytest.raises(AssertionError):
        mail.deliver_due(now())


def test_old_messages_are_forgotten(db):
    """What was sent or given up is deleted after a while; what still waits is not."""
    put()
    mail.deliver_due(now())
    waiting = put()

    assert mail.forget(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert mail.forget(now()) == 1
    assert [row[0] for row in rows()] == [waiting]


def test_a_message_is_stored_sealed(db):
    """Whom it goes to and what it says stand in no database."""
    put()
    (row,) = execute("SELECT * FROM mail_message").fetchall()

    for text in ("reader@site.example", "Il tuo codice", "123456"):
        assert text not in repr([value if isinstance(value, str) else bytes(value or 0)
                                 for value in row[:5]])  # fmt: skip


def test_a_message_to_somebody_erased_is_given_up(db, sink):
    """Their key is gone, so there is nothing to send; others are sent."""
    mail.configure(sink.url)
    gone = mail.send("gone@site.example", "Ciao", "Testo", "it", holder="usr_1")
    put()
    shred("person:usr_1")

    assert mail.deliver_due(now()) == 1
    states = {row[0]: (row[1], row[3]) for row in rows()}
    assert states[gone] == (None, None)
    with pytest.raises(Shredded):
        mail.send("gone@site.example", "Ciao", "Testo", "it", holder="usr_1")


def test_an_error_does_not_keep_the_address(db, caplog):
    """A transport that repeats it leaves it neither in the row nor in the log."""

    def refuse(message):
        raise OSError(f"<{message.recipient}> is unknown here")

    mail.set_first(refuse)
    put()
    mail.deliver_due(now())

    assert rows()[0][4] == "OSError: <(recipient)> is unknown here"
    assert "reader@site.example" not in caplog.text
