"""The way out: HTTP answers for Grafana, operators and scripts."""
