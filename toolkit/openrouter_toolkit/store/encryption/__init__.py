"""Encryption of credentials at rest: master keys, their providers, key rotation and encrypted values."""
