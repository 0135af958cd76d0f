"""The operations of OpenRouter's API that are no action, each with the reason why; docs/actions.md shows them."""

from __future__ import annotations

# Lines of method and path, by reason.
_LINES = {
    "not yet: its events have to be put together as those of chat completions are": """
        POST /responses
    """,
    "not yet: its answer holds pictures as base64, which do not belong in a model's context": """
        POST /images
    """,
    "not yet: its answer is sound or film, which needs a place for files": """
        POST /audio/speech
        GET /videos/{jobId}/content
    """,
    "not yet: it takes files": """
        POST /audio/transcriptions
        POST /videos
        POST /files
    """,
    "not yet: it belongs to an action that is not there yet": """
        GET /images/models
        GET /videos/{jobId}
        GET /videos/models
        GET /files
        GET /files/{file_id}
        DELETE /files/{file_id}
        GET /containers/{container_id}/files
        GET /containers/{container_id}/files/{file_id}
        POST /containers/{container_id}/files/{file_id}/promote
    """,
    "not yet: its answer is a file's bytes": """
        GET /files/{file_id}/content
        GET /containers/{container_id}/files/{file_id}/content
    """,
    "alpha: it may change from one day to the next": """
        POST /api/alpha/decisions
        POST /systemone
    """,
    "the login uses it: `connect --browser` and the pages exchange codes for keys": """
        POST /auth/keys
        POST /auth/keys/code
    """,
    "for programs that log in with tokens of their platform, not for agents": """
        POST /oauth/token
        GET /oauth/jwks
    """,
    "SCIM: the organization's identity provider calls it": """
        GET /scim/group-mappings
        POST /scim/group-mappings
        GET /scim/group-mappings/{id}
        PATCH /scim/group-mappings/{id}
        DELETE /scim/group-mappings/{id}
        GET /scim/groups
        POST /scim/sync-jobs
        GET /scim/sync-jobs/{id}
    """,
    "vault: secrets of OpenRouter's hosted agents, which no other agent should read or write": """
        GET /vault/secrets
        PUT /vault/secrets/{name}
        DELETE /vault/secrets/{name}
        GET /vault/interns/{internId}/connections
        GET /vault/interns/{internId}/effective-secrets
        GET /vault/interns/{internId}/secrets
        PUT /vault/interns/{internId}/secrets/{name}
        DELETE /vault/interns/{internId}/secrets/{name}
        POST /vault/interns/{internId}/secrets/copy
    """,
}
WITHOUT_ACTION = {
    line.strip(): reason for reason, lines in _LINES.items() for line in lines.strip().split("\n") if line.strip()
}
