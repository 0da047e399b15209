"""The OpenAPI document."""

from services.api.openapi.document import build

__all__ = ["build"]
