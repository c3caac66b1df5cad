"""The MQTT client of our connections: paho's, which goes on after whatever fails, and reads and acknowledges many messages at a time."""

import struct
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

READ_AT_ONCE = 64 * 1024  # bytes of the socket
_PUBACK = struct.Struct("!BBH")  # type, length, packet id; of MQTT 5 too, where all went well


class SteadyClient(mqtt.Client):
    """A paho client whose network thread goes on after whatever fails in it, by another connection.

    It reads and acknowledges many messages at a time. paho waits for the socket before each message, asks the system for its
    first bytes one by one, and wakes its thread for each PUBACK: that was half of what a small message cost.
    """

    failed: Callable[[Exception], bool]  # told what failed; whether to go on
    over: Callable[[], None]
    aim: Callable[[], None]  # says where the next connection goes
    _read, _at = b"", 0  # what was read of the socket, and how much of it is taken

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew; what was read of the connection before is of no use."""
        self._read, self._at = b"", 0
        self.aim()
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Take a packet from the socket, and all that was read with it: the socket says nothing of these any more."""
        code = super().loop_read(max_packets)
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._at < len(self._read):
            code = super().loop_read(max_packets)
        return code

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at == len(self._read):
            self._read, self._at = super()._sock_recv(READ_AT_ONCE), 0
        part = self._read[self._at : self._at + bufsize]
        self._at += len(part)
        return part

    def ack_all(self, packets: Sequence[int]) -> None:
        """Acknowledge messages of QoS 1 by their packet ids, in order."""
        if packets:
            acks = b"".join(_PUBACK.pack(mqtt.PUBACK, 2, packet) for packet in packets)
            self._packet_queue(mqtt.PUBACK, acks, packets[-1], 1)

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Run the network thread; `loop_start` calls it, and paho would let an exception pass unseen and end."""
        try:
            while True:
                try:
                    return super().loop_forever(timeout, retry_first_connection)
                except Exception as error:  # noqa: BLE001 - told to whoever keeps account of it
                    if not self.failed(error):
                        return MQTTErrorCode.MQTT_ERR_SUCCESS
        finally:
            self.over()

    def let_under_way(self, most: int) -> None:
        """Have at most so many QoS 1 messages unanswered from now on; paho's own way is shut once there is a connection."""
        self._max_inflight_messages = most
