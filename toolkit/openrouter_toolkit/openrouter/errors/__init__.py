"""OpenRouter's errors: parsed, classified, and explained to the agent."""
