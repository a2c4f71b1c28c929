"""The mail server. A letter goes out once per message row; its Message-ID is made of the row's id, so a repeat is recognised."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

from service.gateways import GatewayRefused, GatewayUnknownOutcome


@dataclass(frozen=True)
class Letter:
    """One e-mail, ready to send: text and HTML of the same content."""

    message_id: str
    to: str
    from_name: str
    from_address: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    date: datetime

    def as_mime(self) -> EmailMessage:
        """Headers are set by the library from checked parts: a line break in a name cannot become a header."""
        mail = EmailMessage()
        mail["From"] = Address(_one_line(self.from_name), addr_spec=self.from_address)
        mail["To"] = self.to
        mail["Subject"] = _one_line(self.subject)
        mail["Date"] = format_datetime(self.date)
        mail["Message-ID"] = f"<{self.message_id}@{self.from_address.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if self.reply_to:
            mail["Reply-To"] = self.reply_to
        mail.set_content(self.text)
        mail.add_alternative(self.html, subtype="html")
        return mail


class MailGateway(Protocol):
    """Anything that takes letters. Raises GatewayUnknownOutcome or GatewayRefused."""

    def send(self, letter: Letter) -> None: ...


class SmtpGateway:
    """`smtp://user:password@host:port` with STARTTLS, or `smtps://`."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def send(self, letter: Letter) -> None:
        host, secure = self._url.hostname or "", self._url.scheme == "smtps"
        try:
            make: Callable[..., smtplib.SMTP] = smtplib.SMTP_SSL if secure else smtplib.SMTP
            with make(host, self._url.port or (465 if secure else 587), timeout=20) as server:
                if not secure:
                    server.starttls(context=ssl.create_default_context())
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(letter.as_mime())
        except smtplib.SMTPRecipientsRefused as refused:
            raise GatewayRefused("the mail server refuses the address") from refused
        except (OSError, smtplib.SMTPException) as error:
            raise GatewayUnknownOutcome("the mail server did not take the letter") from error


class FunctionGateway:
    """Hands letters to a function: the sandbox's mailbox."""

    def __init__(self, deliver: Callable[[Letter], None]) -> None:
        self._deliver = deliver

    def send(self, letter: Letter) -> None:
        self._deliver(letter)


def _one_line(text: str) -> str:
    return " ".join(text.split())
