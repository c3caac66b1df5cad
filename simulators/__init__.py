"""Plants that do not exist and real data replayed: they speak MQTT only and know their true totals."""
