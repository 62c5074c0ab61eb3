"""The ten questions every contender asks, and the people who answer them: standard library only, seeded."""

from __future__ import annotations

import json
import random
import time

LABELS = {
    "town": (),
    "since": ("Hace unos días", "Hace unas semanas", "Hace unos meses", "Hace un año o más"),
    "need": ("Trabajo", "Documentos", "Estudio", "Salud", "Casa y comida", "Familia", "Seguridad"),
    "age": ("De 18 a 24 años", "De 25 a 59 años", "De 60 a 64 años", "65 años o más"),
    "trade": (),
    "learnt": ("En Guatemala", "En Estados Unidos", "En México", "En otro lugar"),
    "english": ("No", "Un poco", "Sí, bien"),
    "schooling": ("No fui a la escuela", "Parte de primaria", "Primaria completa", "Básicos", "Diversificado"),
    "school_country": ("Guatemala", "Estados Unidos", "México", "Otro país"),
    "aim": ("Encontrar empleo", "Poner un negocio", "Estudiar", "Trabajar en otro país"),
}
TEXTS = {
    "town": "¿En qué municipio está ahora? Lo preguntamos porque los servicios son locales.",
    "since": "¿Hace cuánto regresó? Hay ayudas distintas para los primeros días y para después.",
    "need": "¿Qué necesita más en este momento? Así le mostramos eso primero.",
    "age": "¿Qué edad tiene, más o menos? Algunos programas son por edad.",
    "trade": "¿En qué ha trabajado? Cuéntelo con sus palabras. Sirve para buscarle empleo y certificar lo que sabe.",
    "learnt": "¿Dónde aprendió ese trabajo? Sirve para saber cómo certificarlo.",
    "english": "¿Habla inglés? Hay empleos y certificados para quien lo habla.",
    "schooling": "¿Hasta qué grado estudió? Hay opciones para cada nivel, y para seguir.",
    "school_country": "¿En qué país estudió? Los estudios de otro país se pueden reconocer aquí.",
    "aim": "¿Qué le gustaría hacer? Con eso una persona puede hacer un plan con usted.",
}
FIELDS = tuple(LABELS)
UNSAID = "Prefiero no decir"
THANKS = "Gracias. Con eso ya podemos ayudarle."
NOT_UNDERSTOOD = "No le entendí. Puede tocar una opción o escribir su número."
TOWNS = ("xela", "vivo en xelita vos", "quetzaltenango", "malacatan", "estoy en la capital")


def answers(person: int, seed: int) -> dict[str, str]:
    """What one person writes to each question: a label or its number, a town in their words, no trade."""
    dice = random.Random(f"{seed}|{person}")
    said = {"town": dice.choice(TOWNS), "trade": UNSAID}
    for field, labels in LABELS.items():
        if labels:
            label = dice.choice(labels)
            said[field] = label.lower() if dice.random() < 0.7 or field == "age" else str(labels.index(label) + 1)
    return {field: said[field] for field in FIELDS}


def meant(field: str, text: str) -> str | None:
    """A peer's understanding: an option's label or number, any words where the question is open."""
    said = text.strip().lower()
    labels = LABELS[field]
    if said == UNSAID.lower() or not labels:
        return text
    if said.isdigit() and 1 <= int(said) <= len(labels):
        return labels[int(said) - 1]
    return next((label for label in labels if label.lower() == said), None)


def options(field: str) -> tuple[str, ...]:
    return (*LABELS[field], UNSAID)


def update(person: int, number: int, text: str) -> bytes:
    """One message as Telegram delivers it."""
    who = {"id": 10_000 + person, "first_name": "Ana", "language_code": "es"}
    message = {
        "message_id": number,
        "date": int(time.time()),
        "chat": {"id": 10_000 + person, "type": "private", "first_name": "Ana"},
        "from": {**who, "is_bot": False},
        "text": text,
    }
    if text.startswith("/"):
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text)}]
    return json.dumps({"update_id": person * 1000 + number, "message": message}, ensure_ascii=False).encode()


def sent(chat: int | str, number: int) -> bytes:
    """Telegram's answer to a message of ours, at once."""
    result = {"message_id": number, "date": 1_790_000_000, "chat": {"id": int(chat), "type": "private"}, "text": "…"}
    return json.dumps({"ok": True, "result": result}).encode()
