"""The migrations. A released migration is never changed; a new one goes into a new file."""
