"""The API for hosts: execute an action, list what can be executed."""
