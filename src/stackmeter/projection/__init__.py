"""The projection to InfluxDB as a process of its own, which the service starts and watches."""
