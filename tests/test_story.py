"""The whole story in a real browser against the real product: hello, profile, question, vacancy, person, back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("Chromium is not installed", allow_module_level=True)

from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
START = 60
"""Seconds the whole product may take to start on a loaded machine."""


class Product:
    """A `puente` of its own, as a person would start it: in an empty folder, with no settings but a free port."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot"],
            cwd=folder,
            env=environment | {"PORT": "0", "PYTHONPATH": str(Path(__file__).parent.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        self.address = re.search(r"web chat\s+(http://\S+)/", printed).group(1)  # type: ignore[union-attr]
        self.token = re.search(r"API token\s+(\S+)", printed).group(1)  # type: ignore[union-attr]
        self.api = httpx.Client(
            base_url=f"{self.address}/api/v1", headers={"authorization": f"Bearer {self.token}"}, timeout=START
        )

    def stop(self) -> None:
        self.api.close()
        self.process.terminate()
        self.process.communicate(timeout=START)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path)
    yield product
    product.stop()


@pytest.fixture
def page(product: Product) -> Iterator[Page]:
    """A phone of 360 pixels in which nothing may ask another host for anything."""
    foreign: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 360, "height": 740}, locale="es-GT")
        page.on(
            "request",
            lambda call: None if call.url.startswith((product.address, "data:")) else foreign.append(call.url),
        )
        page.on("pageerror", lambda error: foreign.append(str(error)))
        page.goto(product.address)
        yield page
        browser.close()
    assert foreign == []


def test_from_hello_to_a_person_and_back(product: Product, page: Page) -> None:
    log = page.locator("#log")

    def heard(words: str) -> None:
        expect(log).to_contain_text(words, timeout=20_000)

    def say(words: str, answer: str) -> None:
        page.fill("#text", words)
        page.press("#text", "Enter")
        heard(answer)

    def tap(label: str, answer: str) -> None:
        page.get_by_role("button", name=label, exact=True).last.click()
        heard(answer)

    page.get_by_role("button", name="Empezar").click()
    heard("¿En qué idioma prefiere hablar?")
    tap("Español", "No soy Migración ni la policía")
    tap("Sí, guardar", "¿Quiere que le avisemos")
    tap("No, gracias", "¿En qué le puedo ayudar?")
    tap("Mi perfil Su municipio, oficio y metas, para buscarle opciones", "¿En qué municipio está ahora?")
    say("ahorita estoy en xela", "¿Hace cuánto regresó?")
    say("¿cuánto cuesta sacar el DPI?", "Fuente:")
    say("2", "¿Qué necesita más en este momento?")
    say("trabajo", "¿Qué edad tiene")
    say("De 25 a 59 años", "¿En qué ha trabajado?")
    say("hacía roofing en Houston", "¿Cuál se parece más a su trabajo?")
    say("1", "Con eso ya podemos ayudarle")
    say("después", "Esto es lo que nos contó")
    tap("Ver empleos", "Estos empleos están abiertos")
    page.get_by_role("button", name=re.compile("Ayudante de albañil")).last.click()
    heard("Nadie puede cobrarle por este empleo")
    tap("Me interesa", "Una persona le va a atender")

    (case,) = product.api.get("/cases").raise_for_status().json()["data"]
    assert (case["state"], case["reason"], case["vacancy"]) == ("new", "vacancy", "demo-1")
    product.api.post(f"/cases/{case['id']}/claim").raise_for_status()
    heard("Ahora le atiende una persona")
    product.api.post(
        f"/cases/{case['id']}/reply", json={"text": "Buenos días, ¿puede venir el lunes?"}
    ).raise_for_status()
    heard("Buenos días, ¿puede venir el lunes?")
    page.fill("#text", "sí puedo, ¿a qué hora?")
    page.press("#text", "Enter")
    expect(log.locator("text=sí puedo")).to_be_visible()
    whole = product.api.get(f"/cases/{case['id']}").raise_for_status().json()
    assert [line["text"] for line in whole["transcript"]][-1] == "sí puedo, ¿a qué hora?"
    assert {line["field"]: line["text"] for line in whole["summary"]["profile"]}["town"].endswith("Quetzaltenango")
    product.api.post(f"/cases/{case['id']}/return").raise_for_status()
    heard("Vuelve el asistente automático")
    page.fill("#text", "menú")
    page.press("#text", "Enter")
    expect(page.get_by_role("button", name="Trabajo", exact=True).last).to_be_enabled(timeout=20_000)


def test_a_page_reloaded_goes_on_where_it_stood(product: Product, page: Page) -> None:
    page.get_by_role("button", name="Empezar").click()
    log = page.locator("#log")
    expect(log).to_contain_text("¿En qué idioma prefiere hablar?", timeout=20_000)
    page.reload()
    page.get_by_role("button", name="Español", exact=True).last.click()
    expect(log).to_contain_text("No soy Migración ni la policía", timeout=20_000)
