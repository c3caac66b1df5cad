"""What a configuration may say of alert rules, routes and receivers, and what is made of it."""
