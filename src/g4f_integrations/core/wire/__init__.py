"""OpenAI's chat format on the wire: requests to bodies, chunks to events, and what servers make of both. Pure."""
