"""The command line: what it does, and what it says in words when it cannot."""

from __future__ import annotations

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __main__ as cli
from bot import learning, settings, start
from bot.models import migrate
from tests.installation import Template

SECRET = "canary-secret-0123456789abcdefghijkl"
NAMES = [name.upper() for name in settings.Settings.model_fields]


@pytest.fixture
def here(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an installation in its var/, and no settings but what a test gives."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(learning, "ahead", lambda folder, names: None)  # nobody waits for it here
    (tmp_path / "var").mkdir()
    template.copy(tmp_path / "var")
    monkeypatch.chdir(tmp_path)
    return tmp_path


TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_WHATSAPP_FROM": "+50212345678",
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main(words)
    said = capsys.readouterr()
    return code, said.out, said.err


WRONG = [
    ("PORT", "ochenta", "PORT='ochenta'"),
    ("PORT", "70000", "65535"),
    ("PORT", "-1", "PORT='-1'"),
    ("PUBLIC_BASE_URL", "puente.example", "https://puente.example.org"),
    ("PUBLIC_BASE_URL", "ftp://x", "PUBLIC_BASE_URL"),
    ("DATABASE_URL", "mysql://root:canary-secret@x/y", "sqlite:///"),
    ("DATABASE_URL", "sqlite:////proc/nowhere/puente.db", "cannot be opened"),
    ("TELEGRAM_TOKEN", SECRET, "BotFather"),
    ("TELEGRAM_SECRET", "canary-secret", "32"),
    ("TWILIO_ACCOUNT_SID", "AC123", "32 of 0-9"),
    ("TWILIO_WHATSAPP_FROM", "12345", "+502"),
    ("TWILIO_MESSAGING_SERVICE_SID", "MG123", "32 of 0-9"),
]


@pytest.mark.parametrize(("name", "value", "right"), WRONG)
def test_a_wrong_setting_is_named_with_what_would_be_right(
    name: str, value: str, right: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    code, out, err = run(capsys, "migrate")
    assert (code, out) == (1, "")
    assert err.startswith("puente: ")
    assert name in err
    assert right in err
    assert "canary" not in err
    assert "Traceback" not in err


def test_a_webhook_of_telegram_needs_its_secret(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "123456:" + "A" * 35)
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://puente.example.org")
    code, _out, err = run(capsys, "migrate")
    assert code == 1
    assert "TELEGRAM_SECRET" in err
    assert "A" * 35 not in err


def test_half_of_whatsapps_settings_are_none(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SECRET)
    code, _out, err = run(capsys, "migrate")
    assert code == 1
    for name in ("TWILIO_ACCOUNT_SID", "PUBLIC_BASE_URL", "TWILIO_WHATSAPP_FROM"):
        assert name in err
    assert "canary" not in err


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_twilio_calls_no_host_with_an_underscore(
    command: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://mi_puente.example.org/a_path")
    settings.load()  # nobody but Twilio minds
    for name, value in TWILIO.items():
        monkeypatch.setenv(name, value)
    code, _out, err = run(capsys, command)
    assert code == 1
    assert "PUBLIC_BASE_URL='https://mi_puente.example.org/a_path'" in err
    assert "https://puente.example.org" in err
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://mi-puente.example.org/a_path")
    settings.load()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_database_address_as_hosting_platforms_give_it(scheme: str) -> None:
    given = settings.load(database_url=f"{scheme}://puente:s3cret@db.example.org:5432/puente?sslmode=require")
    assert given.database_url == "postgresql+psycopg://puente:s3cret@db.example.org:5432/puente?sslmode=require"
    assert not given.on_sqlite
    assert given.var == Path("var")


def test_every_wrong_setting_is_named_at_once(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("TELEGRAM_TOKEN", SECRET)
    _code, _out, err = run(capsys, "migrate")
    assert "PORT=" in err
    assert "TELEGRAM_TOKEN=…" in err


def test_a_port_that_is_taken_is_said_in_words(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        code, _out, err = run(capsys, "serve")
    assert code == 1
    assert f"port {port} is taken" in err
    assert f"PORT={port + 1} puente" in err


def test_a_host_that_is_not_here_is_said_in_words(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOST", "192.0.2.1")
    code, _out, err = run(capsys, "serve")
    assert code == 1
    assert "HOST=192.0.2.1" in err


class TestStaff:
    def test_added_and_listed(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _err = run(capsys, "staff", "add", "--name", "Ixchel Canario", "--office", "DEMO · Nacional")
        assert code == 0
        assert re.fullmatch(r"[0-9a-f]{32}\n", out)
        _code, listed, _err = run(capsys, "staff", "list")
        assert f"{out.strip()} Ixchel Canario · DEMO · Nacional" in listed
        assert not [path for path in (here / "var").iterdir() if b"Canario" in path.read_bytes()]

    def test_an_office_that_is_not_there(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _out, err = run(capsys, "staff", "add", "--name", "Ana", "--office", "Marte")
        assert code == 1
        assert "Marte" in err
        assert "DEMO · Nacional" in err

    def test_what_is_missing(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, _out, err = run(capsys, "staff", "add", "--name", "Ana")
        assert code == 1
        assert "--office" in err


class TestToken:
    def test_shown_once_and_it_works(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        import time

        from bot import service, tokens

        code, out, _err = run(capsys, "token", "--scope", "cases:read", "--office", "DEMO · Nacional")
        token = out.strip()
        assert code == 0
        assert not [path for path in (here / "var").iterdir() if token.encode() in path.read_bytes()]
        record = service.prepare(settings.load())
        found = record.do(tokens.look_up, token, time.time())
        record.close()
        assert found is not None
        assert found.scopes == {"cases:read"}
        assert not found.scope.every_office

    def test_for_nobody_and_nowhere(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for more in (("--staff", "nobody"), ("--office", "Marte")):
            code, out, err = run(capsys, "token", "--scope", "cases:read", *more)
            assert (code, out) == (1, "")
            assert more[1] in err

    def test_a_scope_that_is_none(self, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            cli.main(["token", "--scope", "everything"])
        assert "cases:read" in capsys.readouterr().err


def test_check_finds_nothing_to_mend(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "check")
    assert out.endswith(" 0 findings\n"), out
    assert code == 0


def test_a_finding_is_no_success(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import flows.checks

    monkeypatch.setattr(flows.checks, "check", lambda *given: ["menu.ask: leads nowhere"])
    code, out, _err = run(capsys, "check")
    assert code == 1
    assert "menu.ask: leads nowhere" in out


def test_the_diagrams(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "flows", "--diagram", "menu")
    assert code == 0
    assert "flowchart" in out or "stateDiagram" in out or "graph" in out
    assert run(capsys, "flows")[1].startswith("welcome")
    code, _out, err = run(capsys, "flows", "marte")
    assert (code, "marte" in err) == (1, True)


def test_migrate_makes_a_database_and_its_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for _time in range(2):
        assert run(capsys, "migrate")[:2] == (0, "the database is up to date\n")
    assert stat.S_IMODE((tmp_path / "var" / "keys.json").stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["staff", "list"], ["token", "--scope", "cases:read"]])
def test_a_database_without_its_keys_starts_nothing(
    here: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "var" / "keys.json").unlink()
    monkeypatch.setenv("PORT", "0")
    code, out, err = run(capsys, *command)
    assert (code, out) == (1, "")
    assert "keys are missing" in err
    assert not (here / "var" / "keys.json").exists()


def test_a_file_that_is_no_database_is_refused_in_words(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "var" / "puente.db").write_bytes(b"not a database at all" * 100)
    code, _out, err = run(capsys, "migrate")
    assert code == 1
    assert "DATABASE_URL" in err


def test_help_names_every_command() -> None:
    said = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, env=os.environ)
    for command in ("serve", "chat", "check", "flows", "staff", "token", "migrate", "whatsapp"):
        assert command in said.stdout


@pytest.mark.parametrize("page", ["README.md", "README.es.md"])
def test_the_manual_says_what_every_command_is_for(page: str) -> None:
    manual = (Path(__file__).parent.parent / page).read_text("utf-8")
    said = subprocess.run([sys.executable, "-m", "bot", "--help"], capture_output=True, text=True, env=os.environ)
    names = set(re.findall(r"^    ([a-z]+) ", said.stdout, re.M))
    assert {"serve", "worker", "doctor", "dead", "migrate"} <= names
    assert [name for name in sorted(names) if f"`puente {name}" not in manual] == []


def test_an_office_is_added_and_its_staff(tmp_path: Path) -> None:
    """An installation without the demo world starts with nobody: this is how it gets its first case manager."""
    from bot.__main__ import main

    with pytest.MonkeyPatch.context() as there:
        there.chdir(tmp_path)
        there.setenv("PUENTE_DEMO", "false")
        assert (
            main(["office", "add", "--name", "Coatepeque", "--town", "coatepeque", "--hours", "Atiende de 8 a 16."])
            == 0
        )
        assert main(["office", "add", "--name", "Nadie", "--town", "san rafael"]) == 1
        assert main(["staff", "add", "--name", "Ana", "--office", "Coatepeque"]) == 0
        assert main(["staff", "add", "--name", "Ana", "--office", "Nadie"]) == 1
        assert main(["token", "--scope", "cases:read", "--office", "Coatepeque"]) == 0


def test_an_older_release_comes_back_only_to_tables_it_knows(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = migrate.newest()
    code, out, _err = run(capsys, "migrate", "--to", "0004")
    assert (code, "0004" in out) == (0, True)
    assert run(capsys, "migrate", "--to", "9999")[0] == 1
    code, out, _err = run(capsys, "doctor")
    assert (code, "puente migrate" in out) == (1, True)
    assert run(capsys, "migrate")[0] == 0
    # the same, seen by a release that knows one migration less
    monkeypatch.setattr(migrate, "_known", lambda: {"0001", "0002", "0003", "0004"})
    for command in (("migrate",), ("staff", "list")):
        code, out, err = run(capsys, *command)
        assert (code, out) == (1, "")
        assert err.startswith("puente: this database belongs to a newer release")
        assert newest in err
        assert "puente migrate --to 0004" in err


class TestStart:
    """A start that must fail says so at once: nothing is loaded or learnt for it."""

    CHECK = """
import sys
sys.argv = ["puente"{words}]
from bot import start
code = start.main()
print(code, sorted(name for name in ("uvicorn", "fastapi", "twilio", "telegram", "bot.record") if name in sys.modules))
"""

    def start(self, here: Path, *words: str, **given: str) -> tuple[str, str]:
        environment = {name: value for name, value in os.environ.items() if name not in NAMES} | given
        environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
        code = self.CHECK.replace("{words}", "".join(f", {word!r}" for word in words))
        said = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=here, capture_output=True, text=True, timeout=120
        )
        return said.stdout, said.stderr

    @pytest.mark.parametrize("command", [(), ("serve",), ("web",), ("worker",)])
    def test_a_wrong_setting(self, tmp_path: Path, command: tuple[str, ...]) -> None:
        out, err = self.start(tmp_path, *command, PORT="x", TELEGRAM_TOKEN=SECRET)
        assert out == "1 []\n"
        assert err.startswith("puente: ")
        assert "PORT='x'" in err
        assert "TELEGRAM_TOKEN=…" in err
        assert list(tmp_path.iterdir()) == []

    def test_a_port_that_is_taken(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            out, err = self.start(tmp_path, PORT=port)
        assert out == "1 []\n"
        assert f"port {port} is taken" in err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("left", ["none", "damaged"])
    def test_a_database_without_its_keys(self, here: Path, left: str) -> None:
        keys = here / "var" / "keys.json"
        keys.unlink()
        if left == "damaged":
            keys.write_text("{}")
        before = sorted(path.name for path in (here / "var").glob("*.learnt"))
        out, err = self.start(here, PORT="0")
        assert out == "1 []\n"
        assert "keys" in err
        assert sorted(path.name for path in (here / "var").glob("*.learnt")) == before

    def test_what_is_learnt_ahead_is_kept_where_the_settings_say(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)
        asked: list[Path] = []
        monkeypatch.setattr(learning, "ahead", lambda folder, names: asked.append(folder))
        monkeypatch.setattr(cli, "main", lambda: 0)
        monkeypatch.setattr(sys, "argv", ["puente", "serve"])
        for url in ("", f"sqlite:///{tmp_path}/elsewhere/x.db", "postgres://nobody@127.0.0.1:9/none"):
            monkeypatch.setenv("DATABASE_URL", url)
            monkeypatch.setenv("PORT", "0")
            assert start.main() == 0
        assert asked == [Path("var"), tmp_path / "elsewhere", Path("var")]
