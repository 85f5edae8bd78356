"""The demo page and its client, in a browser."""
