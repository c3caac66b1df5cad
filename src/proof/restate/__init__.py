"""Past windows and regulated hours computed again under today's configuration, and published on request."""
