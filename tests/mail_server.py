"""A real mail server (aiosmtpd) with a certificate of its own authority, which keeps the messages that it accepts."""

import email
import email.policy
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from server import free_port

USER, PASSWORD = "alerts", "a password, with: signs"


class Taken(NamedTuple):
    sender: str
    recipients: list[str]
    encrypted: bool
    user: str | None
    message: EmailMessage


class MailServer:
    """`tls`: "starttls", "tls", or "clear" for a server that can't encrypt. `replies` go to the first messages, one each."""

    def __init__(self, folder: Path, tls: str, *, sign_in: bool = False):
        self.tls = tls
        authority = trustme.CA()
        self.authority_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority_file)
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.taken: list[Taken] = []
        self.replies: list[str] = []
        # The library waits for five seconds until it runs.
        options = {"hostname": "localhost", "port": free_port(), "ready_timeout": 60}
        if sign_in:
            options |= {"authenticator": self.authenticate, "auth_required": True, "auth_require_tls": tls == "starttls"}
        if tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if tls == "tls":
            options |= {"ssl_context": context}
        self.controller = Controller(self, **options)
        self.controller.start()
        self.settings = {
            "smtp_server": f"localhost:{options['port']}",
            "smtp_tls": "starttls" if tls == "clear" else tls,
            "smtp_from": "API Analytics <alerts@example.com>",
            "trusted_certificates": str(self.authority_file),
        }
        if sign_in:
            self.settings |= {"smtp_user": USER, "smtp_password_file": str(self.password_file)}

    def authenticate(self, _server, session, _envelope, _mechanism, data) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        session.user = USER
        return AuthResult(success=right)

    async def handle_DATA(self, _server, session, envelope) -> str:
        if self.replies:
            return self.replies.pop(0)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        user = getattr(session, "user", None) if session.authenticated else None
        # If TLS begins with the connection, aiosmtpd notes nothing, but then nothing else gets here.
        encrypted = self.tls == "tls" or session.ssl is not None
        self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos, encrypted, user, message))
        return "250 taken"

    def stop(self):
        self.controller.stop()
