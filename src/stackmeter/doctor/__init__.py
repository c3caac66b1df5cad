"""What `stackmeter doctor` looks at: machine, broker, service."""
