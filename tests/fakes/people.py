"""The people of a test: phones that write to us as Telegram and Twilio would, and show what we sent."""

from .phone import Phone
from .telegram_phone import TelegramPhone
from .whatsapp_phone import WhatsAppPhone

__all__ = ["Phone", "TelegramPhone", "WhatsAppPhone"]
