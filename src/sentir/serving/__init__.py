"""The HTTP server: `create_app` makes an ASGI application of loaded models, `sentir serve` runs it."""
