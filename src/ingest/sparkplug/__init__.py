"""A Sparkplug host application: edge nodes' births, data and deaths, and what is asked of them."""
