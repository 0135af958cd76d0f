"""The steps. A step that was released is never changed; a new one goes into a new file."""
