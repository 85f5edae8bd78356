"""A recorder on the wire: what passes between clients and a server, byte for byte."""

import asyncio


class Recorder:
    """Passes connections on to a server and keeps all bytes of both directions."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.from_server = bytearray()
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Recorder":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.own_port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.own_port}/socket"

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        server, to_server = await asyncio.open_connection(self.host, self.port)
        for source, target, recorded in ((client, to_server, False), (server, to_client, True)):
            task = asyncio.create_task(self._pass_on(source, target, recorded))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, recorded: bool
    ) -> None:
        try:
            while data := await source.read(65536):
                if recorded:
                    self.from_server += data
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()
