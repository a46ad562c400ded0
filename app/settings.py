"""The one typed configuration: ``ioc.toml``, overridden by ``IOC_*`` in the environment."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """A setting is wrong; the message names it, what was expected and where it came from."""


class Settings(BaseSettings):
    """Every setting of every process; a room gets its slice of it as an argument."""

    model_config = SettingsConfigDict(env_prefix="IOC_", frozen=True, extra="ignore")

    data_dir: Path = Field(default_factory=lambda: default_data_dir())
    profile: str = "laocai"

    host: str = "127.0.0.1"
    port: Port = 8000
    # How many web processes share that port.
    web_processes: Annotated[int, Field(ge=1, le=32)] = 1
    database_url: str = ""
    # Who is let in without a token.
    anonymous: Literal["anywhere", "this_machine", "nowhere"] = "this_machine"

    # What each process may hold in memory of series that are not sealed yet, and of one seal.
    series_head_mb: float = Field(default=24, ge=1)
    series_seal_points: int = Field(default=150_000, ge=10_000)
    # What a web process may keep of sealed history it was asked for; 0: nothing.
    series_shelf_mb: float = Field(default=48, ge=0)

    # Absent in production: there, data time is real time.
    clock_file: Path | None = None

    # The simulated province of the demo.
    sim_port: Port = 8900
    sim_smtp_port: Annotated[int, Field(ge=0, le=65535)] = 0  # 0: sim_port + 25, or a free one
    seed: int = 766
    scale: float = Field(default=0.1, gt=0)
    speed: float = Field(default=60, ge=1, le=10_000)

    # Where alerts are told; an empty address leaves that channel out.
    webhook_url: str = ""
    webhook_secret: str = Field(default="", repr=False)
    smtp_host: str = ""
    smtp_port: Port = 25
    smtp_username: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    mail_from: str = "ioc@localhost"
    mail_to: Annotated[tuple[str, ...], NoDecode] = ()
    # Further receivers, of any channel: [receivers.<id>] with channel and the fields of its Config.
    receivers: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("mail_to", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        """One line of the environment holds several addresses, parted by commas."""
        if isinstance(given, str):
            return tuple(part.strip() for part in given.split(",") if part.strip())
        return given

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, given: str) -> str:
        if given and not given.startswith(("postgresql://", "postgres://")):
            raise ValueError("expected postgresql://user:password@host:port/database")
        return given

    def receiver_tables(self) -> dict[str, dict[str, Any]]:
        """Who is told of alerts: the two every installation knows, and those of [receivers]."""
        tables = dict(self.receivers)
        if self.webhook_url:
            tables["webhook"] = {
                "channel": "webhook",
                "url": self.webhook_url,
                "secret": self.webhook_secret,
            }
        if self.smtp_host and self.mail_to:
            tables["mail"] = {
                "channel": "smtp",
                "host": self.smtp_host,
                "port": self.smtp_port,
                "sender": self.mail_from,
                "to": tuple(self.mail_to),
                "username": self.smtp_username,
                "password": self.smtp_password,
                "tls": self.smtp_tls,
            }
        return tables

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, file


def default_data_dir() -> Path:
    """Where root keeps a service's data, and where a person's programs keep theirs."""
    if os.geteuid() == 0:
        return Path("/var/lib/ioc")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    return Path(base) / "ioc"


def config_file() -> Path:
    """IOC_CONFIG, else ``ioc.toml`` in the data directory."""
    told = os.environ.get("IOC_CONFIG")
    if told:
        return Path(told)
    return Path(os.environ.get("IOC_DATA_DIR") or default_data_dir()) / "ioc.toml"


def load_settings(**given: Any) -> Settings:  # noqa: ANN401  pydantic checks each
    """The settings, or one message a person can act on."""
    file = config_file()
    if "IOC_CONFIG" in os.environ and not file.is_file():
        raise SettingsError(f"IOC_CONFIG names {file}, and there is no such file.")
    try:
        unknown = set(_told(file)) - set(Settings.model_fields)
        if unknown:
            known = ", ".join(sorted(Settings.model_fields))
            raise SettingsError(f"{file} sets {sorted(unknown)[0]}; the settings are: {known}.")
        return Settings(**given)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}") from None
    except (UnicodeDecodeError, RecursionError, OSError) as error:
        raise SettingsError(f"{file} cannot be read: {error}; save it as text in UTF-8") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise SettingsError(
            f"The setting {name} is {first['input']!r}: {first['msg']}."
            f" Correct IOC_{name.upper()} or {name} in {file}."
        ) from None


def _told(file: Path) -> dict[str, object]:
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def as_environment(settings: Settings) -> dict[str, str]:
    """The same settings for a child process."""
    told = {}
    for name, value in settings:
        if isinstance(value, tuple):
            told[f"IOC_{name.upper()}"] = ",".join(value)
        elif isinstance(value, dict):
            told[f"IOC_{name.upper()}"] = json.dumps(value)
        elif value is not None:
            told[f"IOC_{name.upper()}"] = str(value)
    return told
