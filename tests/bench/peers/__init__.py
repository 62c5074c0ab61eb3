"""Other ways to have the same conversation, written as their users write them, to stand beside ours in one run."""
