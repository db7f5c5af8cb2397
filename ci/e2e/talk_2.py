"""The adapter to the official client 2.x: discovers, keeps no session, cancels by leaving. See talk.py."""

import contextlib
import os

import anyio
from mcp import Client, MCPError, StdioServerParameters

import talk


class Adapter:
    def __init__(self, client):
        self.client = client
        self.revision = client.protocol_version

    async def tools(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, name, arguments):
        try:
            result = await self.client.call_tool(name, arguments)
        except MCPError as error:
            raise talk.Refused(str(error)) from error
        texts = [part.text for part in result.content if part.type == "text"]
        return talk.Answer(bool(result.is_error), texts, result.structured_content)

    async def cancelled_call(self, name, arguments, seconds):
        with anyio.move_on_after(seconds) as scope:
            await self.client.call_tool(name, arguments)
        return scope.cancelled_caught


@contextlib.asynccontextmanager
async def connect(http_url, command):
    where = http_url or StdioServerParameters(command=command, args=["stdio"], env=dict(os.environ))
    async with Client(where) as client:
        yield Adapter(client)


if __name__ == "__main__":
    talk.main(connect, "2026-07-28")
