"""Alerts over HTTP: lists, actions, silences, rules, webhooks, and Alertmanager's routes."""
