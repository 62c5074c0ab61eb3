"""What the bot says and asks, and what it makes of what people write. Pure: no input, output or clock."""
