"""Credentials encrypted at rest: master keys, where they are kept, rotation, and encrypted values."""
