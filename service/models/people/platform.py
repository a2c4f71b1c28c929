"""What the service needs to run: events, jobs, messages, links and sessions, idempotency records,
the installation itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Interval,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.identity.actors import Actor
from service.models.base import Base, TypeID, one_of


class Installation(Base):
    """One row: the mode that this database was made for, the sandbox clock's offset, and the brake
    on payouts.
    """

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("singleton", name="one_row"),
        one_of("mode", ("sandbox", "live")),
        CheckConstraint(
            "mode = 'sandbox' OR clock_offset = interval '0'", name="live_clock_is_real"
        ),
    )

    singleton: Mapped[bool] = mapped_column(primary_key=True)
    mode: Mapped[str]
    clock_offset: Mapped[timedelta] = mapped_column(Interval)
    payouts_stopped: Mapped[str | None]
    below_floor: Mapped[list[str]] = mapped_column(server_default="[]")
    """Currencies in which the platform's own money is below the policy's floor: payouts in them
    wait.
    """
    created_at: Mapped[datetime]


class RateWindow(Base):
    """How often a caller (a digest) has called in a window; gone with a crash, and an hour
    later.
    """

    __tablename__ = "rate_window"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    caller: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    calls: Mapped[int]


class Event(Base):
    """A fact, written in the transaction that made it true.

    It is the history of states, the timeline and the feed.
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("contract_id", "sequence"),
        Index("event_by_contract_idx", "contract_id", "number"),
        Index("event_unpositioned_idx", "number", postgresql_where="position IS NULL"),
    )

    id: Mapped[str] = mapped_column(TypeID("evt"), primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    type: Mapped[str]
    public: Mapped[bool]
    object_id: Mapped[str]
    contract_id: Mapped[str | None] = mapped_column(TypeID("ctr"))
    contract_kind: Mapped[str | None]
    freelancer_id: Mapped[str | None] = mapped_column(TypeID("frl"))
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    data: Mapped[dict[str, object]]
    actor: Mapped[Actor]
    request_id: Mapped[str]
    policy_version: Mapped[str]
    occurred_at: Mapped[datetime]
    position: Mapped[int | None] = mapped_column(unique=True)
    """Given once, after commit, by the sequencer: ids and clocks are not the order in which facts
    became visible.
    """
    sequence: Mapped[int | None]
    """The same within the contract, gap-free from 1."""


class Job(Base):
    """Work that is due at an instant of our clock.

    One table for jobs, timers and retries: `docs/decisions/0003-one-queue.md`.

    `leased_until` is of the machine's clock: a process that dies loses its lease, and another takes
    the job.
    """

    __tablename__ = "job"
    __table_args__ = (
        one_of("state", ("waiting", "done", "dead")),
        CheckConstraint("attempts BETWEEN 0 AND 100", name="attempts_bounded"),
        Index("job_due_idx", "due_at", "id", postgresql_where="state = 'waiting'"),
        Index(
            "job_one_waiting_idx",
            "kind",
            "subject",
            unique=True,
            postgresql_where="state = 'waiting'",
        ),
        {
            "postgresql_with": {
                "fillfactor": "70",
                "autovacuum_vacuum_threshold": "1000",
                "autovacuum_vacuum_scale_factor": "0.02",
            }
        },
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    args: Mapped[dict[str, object]]
    state: Mapped[str] = mapped_column(server_default="waiting")
    parked: Mapped[bool] = mapped_column(server_default="false")
    """Whether it waits for a hold to end."""
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class Message(Base):
    """One e-mail: template and parameters only.

    Links and codes are computed when it is sent and stored nowhere.
    """

    __tablename__ = "message"
    __table_args__ = (
        one_of("state", ("queued", "sent", "bounced", "failed")),
        Index("message_by_contract_idx", "contract_id", "id"),
    )

    id: Mapped[str] = mapped_column(TypeID("msg"), primary_key=True)
    cause: Mapped[str] = mapped_column(unique=True)
    template: Mapped[str]
    recipient: Mapped[str]
    contract_id: Mapped[str | None] = mapped_column(TypeID("ctr"))
    params: Mapped[dict[str, object]]
    state: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]


class ClientLink(Base):
    """The row behind a signed link; it decides scope, expiry and revocation."""

    __tablename__ = "client_link"
    __table_args__ = (
        one_of("role", ("payer", "viewer", "pay_only")),
        Index("client_link_by_contract_idx", "contract_id"),
    )

    id: Mapped[str] = mapped_column(TypeID("lnk"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    client_id: Mapped[str] = mapped_column(TypeID("cli"), ForeignKey("client.id"))
    role: Mapped[str]
    passed_to: Mapped[str | None]
    """The address of a colleague to whom the client passed this link on; None for the client's own.
    """
    revision: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class EmailChange(Base):
    """The client's mailbox is lost: staff asked for a new address, and the old one has time to
    object.
    """

    __tablename__ = "email_change"
    __table_args__ = (
        Index(
            "email_change_one_open_idx",
            "contract_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
    )

    id: Mapped[str] = mapped_column(TypeID("emc"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    new_email: Mapped[str]
    asked_by: Mapped[Actor]
    asked_at: Mapped[datetime]
    takes_effect_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ClientSession(Base):
    """A browser that opened a link. The cookie's secret is stored as its SHA-256."""

    __tablename__ = "client_session"

    id: Mapped[str] = mapped_column(TypeID("ses"), primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[str] = mapped_column(TypeID("cli"), ForeignKey("client.id"))
    user_agent: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class SessionGrant(Base):
    """What a browser may see and, once its code was right, bind: one contract each."""

    __tablename__ = "session_grant"

    session_id: Mapped[str] = mapped_column(
        TypeID("ses"), ForeignKey("client_session.id"), primary_key=True
    )
    contract_id: Mapped[str] = mapped_column(
        TypeID("ctr"), ForeignKey("contract.id"), primary_key=True
    )
    link_id: Mapped[str] = mapped_column(TypeID("lnk"), ForeignKey("client_link.id"))
    role: Mapped[str]
    verified_at: Mapped[datetime | None]


class CodeChallenge(Base):
    """A six-digit code that was asked for.

    The code is derived from the id and the server key, so it is stored nowhere.
    """

    __tablename__ = "code_challenge"
    __table_args__ = (
        CheckConstraint("tries BETWEEN 0 AND 5", name="five_tries"),
        Index("code_challenge_by_contract_idx", "contract_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(TypeID("cod"), primary_key=True)
    contract_id: Mapped[str] = mapped_column(TypeID("ctr"), ForeignKey("contract.id"))
    session_id: Mapped[str] = mapped_column(TypeID("ses"), ForeignKey("client_session.id"))
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class FormKey(Base):
    """A form that was sent: Back and a double click cannot act twice."""

    __tablename__ = "form_key"

    key: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str]
    used_at: Mapped[datetime]


class IdempotencyRecord(Base):
    """The answer to a first request, encrypted, committed with the work it answers for; kept 30
    days.
    """

    __tablename__ = "idempotency_record"
    __table_args__ = (Index("idempotency_record_age_idx", "created_at"),)

    scope: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of principal, method, path and key."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
