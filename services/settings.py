"""Settings: every variable that Touchline reads; a wrong value is refused at start."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.errors import Misconfigured
from services.uri import parts_of

PREFIX = "TOUCHLINE_"
DECISIONS = "touchline.decisions"
LOG_TOPIC = "touchline.events"
"""The log's topic, where its address names none."""
OFF = "off"
REQUESTS_PER_S = 5_000.0
REQUESTS_BURST = 10_000.0


def _of_scheme(*schemes: str, otherwise: str = "the embedded one") -> AfterValidator:
    def check(value: str) -> str:
        parts = parts_of(value)
        names_a_place = parts.is_sound and parts.authority + parts.path
        if value and not (parts.scheme in schemes and names_a_place):
            expected = " or ".join(f"{scheme}://…" for scheme in schemes)
            raise ValueError(
                f"is no address of the form {expected}; leave it empty for {otherwise}"
            )
        return value

    return AfterValidator(check)


_Kafka = _of_scheme("kafka")
_Brokers = _of_scheme("kafka", otherwise="those of the log")
_Postgres = _of_scheme("postgresql", "postgres")
_Http = _of_scheme("http", "https")
_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
_TOPIC = re.compile(r"[\w.-]{1,150}", re.ASCII)
_INBOXES = re.compile(r"[\w.-]{1,150}=[^=,\s]+(,[\w.-]{1,150}=[^=,\s]+)*", re.ASCII)
_Smtp = _of_scheme("smtp", "smtps", otherwise="no mail at all")


def _inboxes(value: str) -> str:
    topics = [one.partition("=")[0] for one in value.split(",")]
    if value and (not _INBOXES.fullmatch(value) or len(topics) > len(set(topics))):
        raise ValueError(
            "should be topic=key_id, more after commas, each topic once, like touchline.inbox=k_1"
        )
    return value


def _topic(value: str) -> str:
    if value and not _TOPIC.fullmatch(value):
        raise ValueError("should be a topic's name, or off")
    return value


def _name(value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise ValueError("should be a name of letters, digits, - and _")
    return value


_Topic = AfterValidator(_topic)
_Name = AfterValidator(_name)
_Inboxes = AfterValidator(_inboxes)
Port = Annotated[int, Field(ge=0, le=65535)]


def default_data_dir() -> Path:
    """``./data`` where that is a data directory (as after ``make run``), else ``~/.touchline``."""
    here = Path("data")
    return (
        here.absolute() if (here / "run" / "lock").exists() else Path("~/.touchline").expanduser()
    )


class Settings(BaseSettings):
    """What can be set, each by the environment variable ``TOUCHLINE_`` + its name in capitals."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    environment: Literal["development", "production"] = "development"
    """``production`` makes no workspace and no keys by itself, and shows none."""
    data_dir: Path = Field(default_factory=default_data_dir)
    """Where the embedded platform keeps everything: database, archive, keys, locks."""

    host: str = "127.0.0.1"
    """The address that the web process listens on; ``0.0.0.0`` is every one of the machine."""
    port: Port = 8080
    """The port that the web process listens on; 0 is any that is free."""
    public_url: Annotated[str, _Http] = ""
    """How others reach the web process, for links in alerts and pages; by default host and port."""

    metrics_port: Port = 9464
    """Where ``touchline projector`` and ``scoring`` answer /healthz, /readyz and /metrics; 0 is any
    port that is free."""

    requests_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = REQUESTS_PER_S
    """A key's steady rate in each web process; 5000 is about what one answers in all."""
    requests_burst: Annotated[float, Field(ge=1, allow_inf_nan=False)] = REQUESTS_BURST
    """What a key may send at once after being quiet, 10000 by default; then ``429``."""

    log_url: Annotated[str, _Kafka] = Field("", repr=False)
    """The log on Kafka: ``kafka://host:port``, more brokers after commas, another topic than
    ``touchline.events`` after a slash; empty is the store's own database.
    ``?finite_retention=allowed`` lets the topic forget what the archive is known to hold."""
    store_url: Annotated[str, _Postgres] = Field("", repr=False)
    """The store, as the user who owns it and migrates: ``postgresql://…``; empty is embedded."""
    store_fold_url: Annotated[str, _Postgres] = Field("", repr=False)
    """The store as role ``touchline_fold``; by default ``STORE_URL`` takes the role on."""
    store_query_url: Annotated[str, _Postgres] = Field("", repr=False)
    """The store as role ``touchline_query``; by default ``STORE_URL`` takes the role on."""
    archive_url: Annotated[str, _Http] = Field("", repr=False)
    """ClickHouse's HTTP interface, user and password in the address; empty is embedded."""
    archive_cluster: Annotated[str, _Name] = ""
    """The cluster of ClickHouse (``remote_servers``) whose tables are replicated; empty: none."""
    archive_ca_file: str = ""
    """Who may have issued the archive's certificate, in PEM; empty: who the machine trusts."""
    archive_verify: Literal["on", "off"] = "on"
    """``off`` believes whoever answers at the archive's address; never in production."""
    kafka_url: Annotated[str, _Brokers] = Field("", repr=False)
    """The brokers of inboxes and of decisions: ``kafka://host:port``, more after commas; by default
    those of the log."""
    inboxes: Annotated[str, _Inboxes] = ""
    """Topics whose records ingest takes in, each as if posted with the key of an id:
    ``touchline.inbox=k_…``, more after commas; ``touchline keys list`` shows the ids."""
    decisions_topic: Annotated[str, _Topic] = ""
    """Where decisions are sent for others to read; empty: ``touchline.decisions`` where the log is
    on Kafka, nowhere else; ``off``: nowhere."""
    partitions: Annotated[int, Field(ge=2, le=1024)] = 16
    """Partitions of the log, control's included; fixed when the log is made."""

    master_key: str = Field("", repr=False)
    """32 bytes, base64 or hex, that wrap all data keys; empty: a file in the data directory."""

    scoring: Literal["on", "off"] = "on"
    """Whether customers are scored, and alerts raised; ``off`` leaves both as they are."""
    allow_private_targets: bool = False
    """Whether decisions may be sent to machines of one's own network, and without TLS; else
    whoever makes a target could have this machine ask what only it can reach."""
    smtp_url: Annotated[str, _Smtp] = Field("", repr=False)
    """The server that mail is handed to: ``smtps://user:password@host:465``, or
    ``smtp://user:password@host:587``, which must offer STARTTLS unless it is this machine."""
    smtp_from: str = "Touchline <touchline@localhost>"
    """Who mail is from, like ``Touchline <touchline@example.org>``."""

    secrets_dir: str = Field("", repr=False)
    """A directory of files named as these variables, in small letters (``touchline_master_key``):
    each holds the value of one that the environment does not give."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """``auto`` is for people on a terminal and JSON elsewhere."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.store_url and not self.master_key and self.environment == "production":
            raise ValueError(
                "TOUCHLINE_MASTER_KEY is missing: in production a store of its own needs one; "
                "make it with: openssl rand -base64 32"
            )
        if not self.store_url and (self.store_fold_url or self.store_query_url):
            raise ValueError(
                "TOUCHLINE_STORE_URL is missing: an address for one role alone is of no use"
            )
        if self.archive_verify == OFF and self.environment == "production":
            raise ValueError(
                "TOUCHLINE_ARCHIVE_VERIFY is off: in production whoever answers would be believed; "
                "name the authority in TOUCHLINE_ARCHIVE_CA_FILE instead"
            )
        if self.doors and not self.kafka:
            raise ValueError(
                f"TOUCHLINE_KAFKA_URL is missing: {self.doors[0]} is a topic of some brokers, and "
                "the log has none"
            )
        if self.decisions in self.inbox_keys:
            raise ValueError(
                "TOUCHLINE_DECISIONS_TOPIC is an inbox too: what is told would be read again"
            )
        if (
            not self.kafka_url
            and (parts_of(self.log_url).path.strip("/") or LOG_TOPIC) in self.doors
        ):
            raise ValueError(
                "TOUCHLINE_LOG_URL names a topic that is an inbox, or that decisions go to: the "
                "log's own is for nobody else"
            )
        return self

    @property
    def kafka(self) -> str:
        """The brokers of inboxes and decisions; empty where there are none."""
        return self.kafka_url or self.log_url

    @property
    def inbox_keys(self) -> Mapping[str, str]:
        """For each inbox the id of the key in whose name it is read."""
        return dict(one.split("=") for one in self.inboxes.split(",") if one)

    @property
    def decisions(self) -> str:
        """The topic that decisions are sent to; empty where they are sent to none."""
        if self.decisions_topic:
            return "" if self.decisions_topic == OFF else self.decisions_topic
        return DECISIONS if self.log_url else ""

    @property
    def doors(self) -> Sequence[str]:
        """Topics that others write or read."""
        return [*self.inbox_keys, *([self.decisions] if self.decisions else [])]

    @property
    def url(self) -> str:
        """How others reach the web process, without a slash at the end."""
        return self.public_url.rstrip("/") or self.local_url

    @property
    def local_url(self) -> str:
        """How processes of this machine reach the web process."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """These settings as environment variables, for a process that we start."""
        values = self.model_dump(mode="json")
        return {PREFIX + name.upper(): str(value) for name, value in values.items()}


def load(**given: Any) -> Settings:
    """Settings of this process; what is ``given`` and not None wins over the environment.

    Raises ``Misconfigured``, which names each wrong variable, what is wrong with it and what to do.
    """
    try:
        return Settings(
            _secrets_dir=_secrets_dir(),
            **{name: value for name, value in given.items() if value is not None},
        )
    except ValidationError as cause:
        wrong = [_complaint(error["loc"], error["msg"]) for error in cause.errors()]
        raise Misconfigured("; ".join(wrong)) from None


def _secrets_dir() -> Path | None:
    """The directory of secrets, whose every file of ours is one that is read."""
    named = os.environ.get(f"{PREFIX}SECRETS_DIR")
    if not named:
        return None
    place = Path(named)
    if not place.is_dir():
        raise Misconfigured(f"{PREFIX}SECRETS_DIR names {place}, which is no directory")
    known = {(PREFIX + name).lower() for name in Settings.model_fields}
    ours = {path.name for path in place.iterdir() if path.name.startswith(PREFIX.lower())}
    if unknown := sorted(ours - known):
        raise Misconfigured(
            f"{PREFIX}SECRETS_DIR has {', '.join(unknown)}, which no setting is read from; "
            "name each file as its variable, in small letters"
        )
    return place


def _complaint(place: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    if not place:
        return said
    name = str(place[0])
    documented = PREFIX + name.upper()
    return f"{documented} {_lower(said)}"


def _lower(message: str) -> str:
    """Pydantic's sentence as the rest of ours: "Input should be …" becomes "should be …"."""
    return message.removeprefix("Input ")
