"""The dashboards, one module each: `make` returns it in the language that is spoken."""
