"""A server on a real socket, with or without TLS, with any answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path
import socket
import ssl
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from homeassistant.util import ssl as ssl_util

from ..fakes.provider import Provider


class Certificate(StrEnum):
    """Certificate of a server."""

    GOOD = "good"
    UNKNOWN = "unknown authority"
    EXPIRED = "expired"
    OTHER = "another host"
    MUTUAL = "wants one of the client"


type Contexts = Mapping[Certificate, ssl.SSLContext]


class Exchange:
    """Server's side of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        contexts: Contexts,
        lie: bytes,
    ) -> None:
        """Initialize with both streams and the lie."""
        self.reader = reader
        self.writer = writer
        self.contexts = contexts
        self.lie = lie

    async def encrypt(self, certificate: Certificate) -> None:
        """Start TLS."""
        await self.writer.start_tls(self.contexts[certificate])

    async def request(self) -> bytes:
        """Return the head of the request."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def send(self, data: bytes) -> None:
        """Send bytes at the client's speed."""
        self.writer.write(data)
        await self.writer.drain()

    async def stall(self) -> None:
        """Wait until the client gives up."""
        while await self.reader.read(65536):
            pass

    async def reset(self) -> None:
        """Reset the connection."""
        await asyncio.sleep(0.01)  # the client reads the bytes so far
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


type Answer = Callable[[Exchange], Awaitable[None]]


async def close(exchange: Exchange) -> None:
    """Close the connection silently."""


def sized(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return the bytes of a reply with its length."""
    return reply(body, b"Content-Length: %d" % len(body), *headers, status=status)


def reply(body: bytes, *headers: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return the bytes of a reply, without a length."""
    head = [status, b"Content-Type: application/json", b"Connection: close", *headers]
    return b"\r\n".join([*head, b"", body])


class FaultyProvider(Provider):
    """The provider on a raw socket, where a fault may replace its answer by any bytes."""

    def __init__(self, contexts: Contexts) -> None:
        """Initialize without faults."""
        super().__init__()
        self.contexts = contexts
        self.fault: Answer | None = None
        self.lie = b""
        self.tls = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._exchanges: set[asyncio.Task[None]] = set()

    async def answer(self, exchange: Exchange) -> None:
        """Answer validly."""
        if self.tls:
            await exchange.encrypt(Certificate.GOOD)
        await exchange.request()
        await exchange.send(sized(self.text.encode()))

    async def open(self) -> None:
        """Listen, on the earlier port if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            for exchange in tuple(self._exchanges):
                exchange.cancel()  # it may sleep, by a clock that the test no longer turns
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a connection, and ignore a client that hangs up."""
        self._record()
        if task := asyncio.current_task():
            self._exchanges.add(task)
            task.add_done_callback(self._exchanges.discard)
        answer = self.fault or self.answer
        try:
            await answer(Exchange(reader, writer, self.contexts, self.lie))
        except OSError, EOFError:
            pass
        finally:
            writer.close()


def make_context(folder: Path, certificate: Certificate) -> ssl.SSLContext:
    """Return a server's TLS context with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, certificate)])
    address = "127.0.0.2" if certificate is Certificate.OTHER else "127.0.0.1"
    until = 2021 if certificate is Certificate.EXPIRED else 2090
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(until, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = folder / f"{certificate.name}.crt"
    public.write_bytes(signed.public_bytes(encoding))
    both = folder / f"{certificate.name}.pem"
    both.write_bytes(private + public.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    if certificate is not Certificate.UNKNOWN:
        ssl_util.client_context(alpn_protocols=ssl_util.SSL_ALPN_HTTP11).load_verify_locations(
            public
        )
    if certificate is Certificate.MUTUAL:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
