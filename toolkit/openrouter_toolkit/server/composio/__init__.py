"""Composio's REST API over this server: hosts built on Composio's clients attach by changing one address.

The room only translates: shapes, ids, errors and versions. The registry executes, the store holds.
"""
