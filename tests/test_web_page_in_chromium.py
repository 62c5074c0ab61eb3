"""The web chat as a person meets it: a real browser, a bad network, a shared phone, keys instead of fingers."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest

from tests.fakes.chat_server import ChatServer, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("Chromium is not installed", allow_module_level=True)

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright  # noqa: E402

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LONG = ["Quetzaltenango", "San Marcos", "Huehuetenango", "Guatemala", "Escuintla", "Sololá", "Petén", "Otro"]
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def chat() -> ChatServer:
    chat = ChatServer()
    chat.answer = lambda words: (
        chat.say("bot", f"Usted dijo {words}. ¿Qué necesita?", "Trabajo", "Documentos") and None
    )
    return chat


@pytest.fixture
def site(chat: ChatServer) -> Iterator[str]:
    with serving(chat) as address:
        yield address


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """A phone of 320 pixels; whatever its console or its network should not do fails the test."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, locale="es-GT")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    page.on("request", lambda request: None if request.url.startswith((site, "data:")) else wrong.append(request.url))
    yield page
    context.close()
    assert wrong == []


def begin(page: Page, site: str) -> None:
    page.goto(site)
    page.get_by_role("button", name="Empezar").click()
    expect(page.get_by_role("button", name="Trabajo")).to_be_enabled()


def type_and_send(page: Page, words: str) -> None:
    page.get_by_label("Escriba aquí").fill(words)
    page.keyboard.press("Enter")


def own(page: Page, words: str) -> Locator:
    return page.locator(".said.me", has=page.get_by_text(words, exact=True))


def test_a_tap_answers_and_old_answers_go_to_sleep(page, site, chat):
    begin(page, site)
    page.get_by_role("button", name="Trabajo").click()
    expect(page.get_by_role("button", name="Trabajo")).to_have_count(2)
    expect(page.get_by_role("button", name="Trabajo").first).to_be_disabled()
    expect(page.get_by_role("button", name="Trabajo").last).to_be_enabled()
    expect(own(page, "Trabajo").get_by_text("Enviado")).to_have_count(1)
    assert chat.said() == ["hola", "Trabajo"]


def test_the_whole_talk_works_by_keyboard(page, site, chat):
    chat.answer = lambda words: chat.say("bot", "¿En qué departamento está?", *LONG) and None
    page.goto(site)
    expect(page.get_by_role("button", name="Empezar")).to_be_visible()
    focused = page.locator(":focus")
    for _ in range(10):
        if focused.count() and focused.text_content() == "Empezar":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(focused).to_have_text("Quetzaltenango")
    page.keyboard.press("ArrowDown")
    expect(focused).to_have_text("San Marcos")
    page.keyboard.press("End")
    expect(focused).to_have_text("Otro")
    page.keyboard.press("Enter")
    expect(focused).to_have_text("Quetzaltenango")
    assert chat.said() == ["hola", "Otro"]
    page.get_by_label("Escriba aquí").focus()
    page.keyboard.type("una línea")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("y otra")
    page.keyboard.press("Enter")
    expect(page.locator(".said.me .text").last).to_have_text("una línea\ny otra", use_inner_text=True)


def test_without_signal_nothing_is_lost_doubled_or_out_of_order(page, site, chat):
    begin(page, site)
    page.context.set_offline(True)
    type_and_send(page, "uno")
    type_and_send(page, "dos")
    expect(page.get_by_role("status")).to_contain_text("Sin conexión")
    expect(own(page, "dos").get_by_text("Enviando")).to_have_count(1)
    page.context.set_offline(False)
    expect(own(page, "dos").get_by_text("Enviado")).to_have_count(1)
    expect(page.get_by_role("status")).to_be_empty()
    assert chat.said() == ["hola", "uno", "dos"]


def test_what_was_not_sent_outlives_a_closed_page(page, site, chat):
    begin(page, site)
    chat.status = 503
    type_and_send(page, "me espera")
    expect(own(page, "me espera").get_by_text("Enviando")).to_have_count(1)
    page.reload()
    expect(own(page, "me espera").get_by_text("Enviando")).to_have_count(1)
    chat.status = 0
    page.reload()
    expect(own(page, "me espera").get_by_text("Enviado")).to_have_count(1)
    assert chat.said() == ["hola", "me espera"]


def test_an_answer_lost_on_the_way_does_not_double_the_message(page, site, chat):
    begin(page, site)
    chat.lose_answers = True
    type_and_send(page, "una vez")
    expect(page.get_by_text("Usted dijo una vez.")).to_have_count(1)
    chat.lose_answers = False
    expect(own(page, "una vez").get_by_text("Enviado")).to_have_count(1)
    assert chat.said() == ["hola", "una vez"]


def test_a_refused_message_says_so_and_can_be_mended(page, site, chat):
    begin(page, site)
    chat.status = 413
    type_and_send(page, "muy larga")
    expect(own(page, "muy larga")).to_contain_text("El mensaje es muy largo")
    expect(page.get_by_role("button", name="Trabajo")).to_be_enabled()
    chat.status = 0
    page.get_by_role("button", name="Acortar").click()
    expect(page.get_by_label("Escriba aquí")).to_have_value("muy larga")
    chat.status = 400
    page.keyboard.press("Enter")
    again = page.get_by_role("button", name="Enviar otra vez")
    expect(again).to_be_visible()
    chat.status = 0
    again.click()
    expect(own(page, "muy larga").get_by_text("Enviado")).to_have_count(1)


def test_where_streams_are_refused_it_asks_again_and_again(page, site, chat):
    chat.streams = False
    begin(page, site)
    chat.say("person", "Le escribe Marta.")
    expect(page.get_by_text("Le escribe Marta.")).to_be_visible()


def test_hiding_covers_at_once_and_what_was_said_never_comes_back(page, site, chat):
    begin(page, site)
    with page.expect_response("**/chat/messages"):
        page.get_by_role("button", name="Ocultar").click()
    expect(page.locator("#chat")).to_be_hidden()
    expect(page).to_have_title("Inicio")
    assert page.locator(".said").count() == 0
    page.reload()
    expect(page.locator("#cover")).to_be_visible()
    expect(page.locator("#chat")).to_be_hidden()
    assert chat.said() == ["hola", "ocultar"]
    chat.say("bot", "Le escribo luego")
    page.get_by_role("button", name="Continuar").click()
    expect(page.get_by_text("Le escribo luego")).to_be_visible()
    assert page.locator(".said", has_text="hola").count() == 0


def test_leaving_a_borrowed_phone_works_without_signal_and_starts_anew(page, site, chat):
    begin(page, site)
    page.context.set_offline(True)
    type_and_send(page, "antes de salir")
    page.get_by_role("button", name="Más opciones").click()
    page.get_by_role("button", name="Salir de este teléfono").click()
    page.get_by_role("button", name="Sí, salir").click()
    expect(page.locator(".said")).to_have_count(0)
    sent: list[str] = []
    chat.answer = sent.append
    page.context.set_offline(False)
    page.get_by_role("button", name="Empezar").click()
    expect(own(page, "hola").get_by_text("Enviado")).to_have_count(1)
    assert sent == ["antes de salir", "hola"]
    assert (chat.started_anew, chat.said()) == (1, ["hola"])


def test_markup_stays_text_and_only_safe_links_open(page, site, chat):
    chat.say("bot", "<img src=x onerror=alert(1)> javascript:alert(1) http://malo.example https://bueno.example/a).")
    chat.say(
        "bot",
        "Llame al 110, 1546 o 2422-2500. Curso de 120 horas, Q1550, año 2024-2025, DPI 1234567890101, mensaje 1999.",
    )
    chat.say("person", "Vea https://ajeno.example o llame al +502 5555-1234")
    chat.say("me", "mi número es 5555-1234")
    page.goto(site)
    expect(page.get_by_text("mi número")).to_be_visible()
    links = page.locator("#log a")
    assert [links.nth(place).get_attribute("href") for place in range(links.count())] == [
        "https://bueno.example/a", "tel:110", "tel:1546", "tel:24222500", "tel:+50255551234",
    ]  # fmt: skip
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    assert page.locator("#log img").count() == 0


def test_two_hundred_messages_long_words_and_other_scripts_fit_a_small_phone(page, site, chat):
    for number in range(200):
        chat.say("bot" if number % 2 else "me", f"mensaje {number} " + "x" * (number % 90))
    chat.say("bot", "مرحبا بك 110 شكرا\nHola שלום 👨‍👩‍👧‍👦", *LONG, "W" * 60)
    page.goto(site)
    expect(page.get_by_role("button", name="Quetzaltenango")).to_be_in_viewport()
    assert page.locator(".said").count() == 201
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("log.scrollWidth <= log.clientWidth")
    small = page.evaluate(
        """() => Array.from(document.querySelectorAll("button:enabled, textarea"))
            .filter((node) => node.offsetParent && Math.min(node.offsetWidth, node.offsetHeight) < 44)
            .map((node) => node.textContent)"""
    )
    assert small == []


def test_who_scrolled_up_is_not_pulled_down(page, site, chat):
    for number in range(60):
        chat.say("bot", f"mensaje {number}")
    page.goto(site)
    expect(page.get_by_text("mensaje 59")).to_be_in_viewport()
    page.get_by_text("mensaje 20").scroll_into_view_if_needed()
    chat.say("bot", "uno nuevo")
    expect(page.get_by_role("button", name="Mensajes nuevos")).to_be_visible()
    expect(page.get_by_text("mensaje 20")).to_be_in_viewport()
    page.get_by_role("button", name="Mensajes nuevos").click()
    expect(page.get_by_text("uno nuevo")).to_be_in_viewport()


def test_the_page_speaks_english_and_leaves_the_bots_words_alone(page, site, chat):
    begin(page, site)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Hide")).to_be_visible()
    expect(page.get_by_text("Usted dijo hola.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Automatic information programme")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_every_flow_is_drawn_under_the_policy_of_its_page(page, site, chat):
    chat.flows = [
        {"name": "welcome", "title": "Bienvenida", "mermaid": 'flowchart TD\n a{"¿Idioma?"} -->|Español| b["Hola"]'},
        {
            "name": "menu",
            "title": "Menú",
            "mermaid": 'flowchart TD\n a["<iframe src=//malo.example></iframe>Menú"] --> b',
        },
        {"name": "broken", "title": "Rota", "mermaid": "flowchart TD\n a[[["},
    ]
    page.goto(f"{site}/flows#menu")
    expect(page.locator(".drawing svg[id^=drawn]")).to_have_count(2)
    expect(page.locator("#broken")).to_contain_text("no se pudo dibujar")
    expect(page.locator("#state")).to_be_empty()
    assert page.locator(".drawing iframe").count() == 0
    larger = page.locator("#welcome").get_by_role("button", name="Más grande")
    before = page.locator("#welcome svg").bounding_box()["width"]
    larger.click()
    expect(page.locator("#welcome output")).to_have_text(re.compile(r"1\d\d %"))
    assert page.locator("#welcome svg").bounding_box()["width"] > before
