"""Web pages: the marketplace, a tool's details, and the connect page. They work without scripts."""
