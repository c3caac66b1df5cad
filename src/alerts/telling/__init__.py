"""Who is told what of alerts, and when: routes, groups, repeats, escalations, and what keeps an alert quiet; pure functions."""
