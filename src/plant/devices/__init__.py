"""Devices that do not speak the native contract: subscriptions, profiles, paths into payloads, guesses."""
