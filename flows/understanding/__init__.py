"""What the bot makes of what people write: pure functions over knowledge that `bot` loads and hands over."""
