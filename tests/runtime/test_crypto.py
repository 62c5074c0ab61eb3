"""What a stolen database must not say: sealed columns, keyed look-ups, its own keys (SAFETY H1, H2, H4)."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
from sqlmodel import select

from bot import crypto, service
from bot.crypto import NoKeys, Vault
from bot.models import Address, Staff
from tests.installation import Home, Template

CANARIES = ("Ixchel Canario", "+50255512345", "texto-canario-7731", "9990001112223")


def a_vault(index: bytes = b"i" * 32, **keys: bytes) -> Vault:
    return Vault({1: keys.get("data", b"k" * 32)}, 1, index)


def test_a_value_opens_only_in_its_own_column() -> None:
    vault = a_vault()
    sealed = vault.seal("case_note.text", "Ana Tzul")
    assert vault.open("case_note.text", sealed) == "Ana Tzul"
    with pytest.raises(NoKeys):
        vault.open("staff.name", sealed)


def test_a_changed_byte_anywhere_is_noticed() -> None:
    vault = a_vault()
    sealed = vault.seal("staff.name", "Ana Tzul")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(NoKeys):
            vault.open("staff.name", changed)


def test_a_value_cut_short_is_noticed() -> None:
    vault = a_vault()
    sealed = vault.seal("staff.name", "Ana Tzul")
    for length in range(len(sealed)):
        with pytest.raises(NoKeys):
            vault.open("staff.name", sealed[:length])


def test_the_same_text_never_looks_the_same() -> None:
    vault = a_vault()
    assert len({vault.seal("staff.name", "Ana") for _ in range(100)}) == 100


@pytest.mark.parametrize("text", ["", "ꞌ ä ü", "🙂" * 1000, "\ud800", "a\x00b", "x" * 100_000])
def test_any_text_is_sealed_and_looked_up(text: str) -> None:
    """A vendor's id may hold anything; a message must not be lost over it."""
    vault = a_vault()
    assert vault.open("inbox.body", vault.seal("inbox.body", text)) == text
    assert len(vault.blind("web|message", text)) == 32


def test_values_sealed_with_an_older_key_still_open() -> None:
    old = a_vault()
    both = Vault({1: b"k" * 32, 2: b"n" * 32}, 2, b"i" * 32)
    assert both.open("staff.name", old.seal("staff.name", "Ana")) == "Ana"
    with pytest.raises(NoKeys):
        old.open("staff.name", both.seal("staff.name", "Ana"))


def test_columns_swapped_in_the_database_are_noticed(home: Home) -> None:
    home.run("UPDATE address SET value = (SELECT name FROM staff LIMIT 1)")
    ana = home.person()
    ana.write("hola")
    home.run("UPDATE address SET value = (SELECT name FROM staff LIMIT 1)")
    with pytest.raises(NoKeys):
        home.record.do(lambda tx: tx.session.exec(select(Address)).all())


def test_a_sealed_column_cannot_be_compared() -> None:
    for compare in (lambda: Staff.name == "Ana", lambda: Staff.name != "Ana", lambda: Staff.name.like("A%")):  # type: ignore[attr-defined]
        with pytest.raises(TypeError, match="sealed"):
            compare()


def test_a_row_does_not_show_what_is_sealed(home: Home) -> None:
    home.person(address := "canary-address").write("texto-canario")
    shown = home.record.do(
        lambda tx: [repr(row) for model in (Staff, Address) for row in tx.session.exec(select(model)).all()]
    )
    assert shown
    assert not [row for row in shown if "DEMO · Gestor" in row or address in row]


def files(home: Home, folder: Path) -> list[Path]:
    """Where this database's bytes are now: its pages, and its log."""
    if not home.record.postgres:
        return [path for path in folder.rglob("*") if path.is_file() and path.name != "keys.json"]
    home.run("CHECKPOINT")
    row = home.one(
        "SELECT current_setting('data_directory') AS data, oid, pg_walfile_name(pg_current_wal_lsn()) AS log "
        "FROM pg_database WHERE datname = current_database()"
    )
    data = Path(row["data"])
    return [path for path in (data / "base" / str(row["oid"])).iterdir() if path.is_file()] + [
        data / "pg_wal" / row["log"]
    ]


def test_the_files_hold_no_canary_in_clear(home: Home, tmp_path: Path) -> None:
    name, phone, words, chat = CANARIES
    ana = home.person(phone, channel="whatsapp")
    ana.say("hola", "español", "sí", "sí", "persona", "trabajo", "xela", f"{words} soy {name}")
    case = home.claim(ana)
    from bot import cases

    home.record.do(cases.note, case, None, f"{name}: {words}")
    home.record.do(cases.answer, case, None, f"Hola {name}", home.now)
    home.person(chat, channel="telegram").say("hola", words)
    held = {path.name: path.read_bytes() for path in files(home, tmp_path)}
    sealed = home.one("SELECT body FROM inbox WHERE body IS NOT NULL ORDER BY id DESC LIMIT 1")["body"]
    assert [where for where, content in held.items() if bytes(sealed) in content], "what is kept is in these files"
    for where, content in held.items():
        for canary in CANARIES:
            assert canary.encode() not in content, (where, canary)
            assert canary.encode("utf-16-le") not in content


def test_no_dictionary_finds_a_phone_number_without_the_key(home: Home) -> None:
    """Whoever has the file but not the keys tries every number with every plain hash and a key of their own."""
    phones = [f"+502{55500000 + n}" for n in range(200)]
    for phone in phones[:5]:
        home.person(phone, channel="whatsapp").write("hola")
    kept = {bytes(row["hash"]) for row in home.all("SELECT hash FROM address")}
    assert len(kept) == 5
    stranger = a_vault(index=b"guessed" * 5)
    for phone in phones:
        for shown in (phone, f"whatsapp|{phone}", f"phone|{phone}", f"whatsapp:{phone}"):
            for plain in (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.blake2s, hashlib.sha3_256):
                assert plain(shown.encode()).digest() not in kept
        assert stranger.blind("whatsapp", phone) not in kept
    assert crypto.vault().blind("whatsapp", phones[0]) in kept, "with the key it is found: the test looks right"


def test_new_keys_are_made_only_where_there_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = crypto.ready(path, database_exists=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    again = crypto.ready(path, database_exists=True)
    assert again.open("staff.name", made.seal("staff.name", "Ana")) == "Ana"
    with pytest.raises(FileExistsError):
        crypto.generate(path)
    path.unlink()
    with pytest.raises(NoKeys, match=r"its keys are missing.*keys\.json"):
        crypto.ready(path, database_exists=True)
    assert not path.exists()


GOOD = {"current": 1, "data": {"1": "aw" * 21 + "a="}, "index": "aw" * 21 + "a="}


@pytest.mark.parametrize(
    "content",
    [
        "", "x", "[]", "null", '"keys"', "{}", "\udce9",
        json.dumps(GOOD | {"current": 2}),
        json.dumps(GOOD | {"index": ""}),
        json.dumps(GOOD | {"index": "c2hvcnQ="}),
        json.dumps(GOOD | {"data": {"1": "c2hvcnQ="}}),
        json.dumps(GOOD | {"data": {"one": GOOD["index"]}}),
        json.dumps(GOOD | {"data": {}}),
    ],
)  # fmt: skip
def test_a_file_that_is_no_keys_is_refused_in_words(content: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(NoKeys, match=r"keys\.json"):
        crypto.load(path)


def test_a_directory_in_place_of_the_keys_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NoKeys):
        crypto.ready(tmp_path, database_exists=False)


class TestStart:
    """Every way database and keys can meet at a start (SAFETY H4)."""

    def test_both_there(self, template: Template, tmp_path: Path) -> None:
        given = template.copy(tmp_path)
        kept = (tmp_path / "keys.json").read_bytes()
        record = service.prepare(given)
        sealed = record.do(lambda tx: tx.one("SELECT name FROM staff LIMIT 1"))["name"]
        record.close()
        assert crypto.vault().open("staff.name", sealed)
        assert (tmp_path / "keys.json").read_bytes() == kept

    def test_neither_there(self, template: Template, tmp_path: Path) -> None:
        service.prepare(template.settings(tmp_path)).close()
        assert (tmp_path / "keys.json").exists()

    def test_keys_but_no_database(self, template: Template, tmp_path: Path) -> None:
        given = template.copy(tmp_path)
        (tmp_path / "puente.db").unlink()
        kept = (tmp_path / "keys.json").read_bytes()
        service.prepare(given).close()
        assert (tmp_path / "keys.json").read_bytes() == kept

    def test_a_database_but_no_keys(self, template: Template, tmp_path: Path) -> None:
        given = template.copy(tmp_path)
        (tmp_path / "keys.json").unlink()
        with pytest.raises(NoKeys):
            service.prepare(given)
        assert not (tmp_path / "keys.json").exists()

    @pytest.mark.parametrize("part", ["data", "index"])
    def test_a_database_and_somebody_elses_keys(self, template: Template, tmp_path: Path, part: str) -> None:
        """With a wrong look-up key everybody would be a stranger; with a wrong data key nothing could be read."""
        record = service.prepare(template.copy(tmp_path))
        from bot import inbox
        from bot.channels import Incoming
        from flows.message import Message

        record.do(inbox.accept, "web", Incoming("1", "ana", Message(text="hola")))
        record.close()
        other = tmp_path / "other.json"
        crypto.generate(other)
        ours, theirs = json.loads((tmp_path / "keys.json").read_text()), json.loads(other.read_text())
        (tmp_path / "keys.json").unlink()
        (tmp_path / "keys.json").write_text(json.dumps(ours | {part: theirs[part]}))
        with pytest.raises(NoKeys, match="does not hold the keys"):
            service.prepare(template.settings(tmp_path))
