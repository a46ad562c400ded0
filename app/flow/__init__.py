"""Flow: how the parts of a process run side by side."""

from app.flow.together import together

__all__ = ["together"]
