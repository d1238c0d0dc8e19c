"""What a person sees on the terminal: an estimate, short messages, and in the end the answer."""
