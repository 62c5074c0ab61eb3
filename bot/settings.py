"""Every setting of Puente, read once from the environment, refused in plain words when wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SQLITE = "sqlite:///var/puente.db"


class WrongSetting(Exception):
    """One or more settings cannot be used; the text says which, why, and what would be right."""


class Unusable(Exception):
    """What the settings ask for cannot be had on this machine now; the text says why."""


class Settings(BaseSettings):
    """The environment variables of the README's table; every field has a default that runs on one machine."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    public_base_url: str | None = None
    database_url: str = SQLITE
    puente_keys: Path = Path("var/keys.json")
    puente_demo: bool | None = None
    puente_production: bool | None = None

    metrics_token: SecretStr | None = None
    alert_mail_to: str | None = None
    smtp_url: SecretStr | None = None
    web_newcomers_per_minute: int = Field(3000, ge=1)
    unanswered_days: int = Field(180, ge=1)

    telegram_token: SecretStr | None = None
    telegram_secret: SecretStr | None = None
    telegram_api_base: str = "https://api.telegram.org"

    twilio_account_sid: str | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_whatsapp_from: str | None = None
    twilio_messaging_service_sid: str | None = None
    twilio_api_base: str | None = None

    @field_validator("public_base_url", "telegram_api_base", "twilio_api_base")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("must be an address such as https://puente.example.org")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value.startswith("sqlite:///"):
            return value
        if re.match(r"postgres(ql)?(\+psycopg)?://", value):
            return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", value)
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")

    @field_validator("telegram_token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"\d+:[\w-]{20,}", value.get_secret_value()):
            raise ValueError("must look like 123456:ABC…, as BotFather gives it")
        return value

    @field_validator("telegram_secret")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(re.fullmatch(r"[\w-]{32,256}", one, re.A) for one in both(value)):
            raise ValueError(
                "must be 32 to 256 of A-Z, a-z, 0-9, _ and - (for example: openssl rand -hex 32); while it changes, "
                "the new one, a comma and the old one"
            )
        return value

    @field_validator("twilio_auth_token")
    @classmethod
    def _twilio_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(re.fullmatch(r"[!-~]+", one) for one in both(value)):
            raise ValueError("must be one token; while it changes, the new one, a comma and the old one")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"smtps?://\S+", value.get_secret_value()):
            raise ValueError("must be an address such as smtp://name:password@mail.example.org:587")
        return value

    @field_validator("alert_mail_to")
    @classmethod
    def _mail_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^\s@,]+@[^\s@,]+(\s*,\s*[^\s@,]+@[^\s@,]+)*", value):
            raise ValueError("must be an address such as ana@example.org, or several with commas")
        return value

    @field_validator("twilio_account_sid")
    @classmethod
    def _account(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"AC[0-9a-f]{32}", value):
            raise ValueError("must be AC followed by 32 of 0-9 and a-f")
        return value

    @field_validator("twilio_whatsapp_from")
    @classmethod
    def _sender(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.removeprefix("whatsapp:")
        if not re.fullmatch(r"\+\d{7,15}", value):
            raise ValueError("must be a number with its country, such as +50212345678")
        return f"whatsapp:{value}"

    @field_validator("twilio_messaging_service_sid")
    @classmethod
    def _service(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"MG[0-9a-f]{32}", value):
            raise ValueError("must be MG followed by 32 of 0-9 and a-f")
        return value

    @model_validator(mode="after")
    def _together(self) -> Settings:
        if self.alert_mail_to and not self.smtp_url:
            raise ValueError("ALERT_MAIL_TO also needs SMTP_URL, such as smtp://name:password@mail.example.org:587")
        if self.telegram_token and self.public_base_url and not self.telegram_secret:
            raise ValueError(
                "TELEGRAM_SECRET is required with TELEGRAM_TOKEN and PUBLIC_BASE_URL: without it anyone can pose "
                "as Telegram (for example: openssl rand -hex 32)"
            )
        if self.twilio_account_sid or self.twilio_auth_token:
            lacking = [
                name.upper()
                for name in ("twilio_account_sid", "twilio_auth_token", "public_base_url")
                if getattr(self, name) is None
            ]
            if not (self.twilio_whatsapp_from or self.twilio_messaging_service_sid):
                lacking.append("TWILIO_WHATSAPP_FROM (or TWILIO_MESSAGING_SERVICE_SID)")
            if lacking:
                raise ValueError(f"WhatsApp also needs {', '.join(lacking)}")
            if "_" in (urlsplit(self.public_base_url or "").hostname or ""):
                raise ValueError(
                    f"PUBLIC_BASE_URL={self.public_base_url!r}: Twilio calls no host with _ in its name, and would "
                    "never say what became of a message; use a name without it, such as https://puente.example.org"
                )
        return self

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path:
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def var(self) -> Path:
        """Where this installation keeps its own files."""
        return self.sqlite_path.parent if self.on_sqlite else Path("var")

    @property
    def production(self) -> bool:
        """Whether strangers can reach it: by default where there is a public https address."""
        public = self.public_base_url is not None and self.public_base_url.startswith("https:")
        return public if self.puente_production is None else self.puente_production

    @property
    def demo(self) -> bool:
        """Whether the demo world is loaded into a new database: by default where nobody else can come in."""
        alone = self.host in ("127.0.0.1", "localhost", "::1") and self.public_base_url is None
        return alone if self.puente_demo is None else self.puente_demo


def both(value: SecretStr | None) -> list[str]:
    """A secret, and while it is being changed the older one after it."""
    return [] if value is None else [one.strip() for one in value.get_secret_value().split(",")]


def load(**given: Any) -> Settings:
    """The settings of this process. Raises `WrongSetting` naming each bad one, its value and what is right."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSetting("\n".join(_in_words(problem) for problem in error.errors())) from None


def _in_words(problem: Any) -> str:
    """One problem as a line; secrets are never shown."""
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return reason
    name = str(problem["loc"][0])
    secret = name.endswith(("token", "secret")) or name in ("database_url", "smtp_url")
    value = "…" if secret else repr(str(problem["input"])[:80])
    return f"{name.upper()}={value}: {reason}"
