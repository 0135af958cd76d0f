"""OpenRouter's errors: parse them, classify them, explain them to the agent."""
