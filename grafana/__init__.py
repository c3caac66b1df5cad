"""Grafana's dashboards and provisioning, built by code and never edited by hand: docs/grafana.md."""

import warnings

# The SDK would rather build the newer format, which file provisioning refuses, and warns whoever imports the classic one.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.models.dashboard  # noqa: F401  so that no later import warns
