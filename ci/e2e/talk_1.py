"""The adapter to the official client 1.x: initialises, keeps a session, cancels by a notification. See talk.py."""

import asyncio
import contextlib
import os

import mcp.types as types
from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

import talk


class Adapter:
    def __init__(self, session, revision):
        self.session = session
        self.revision = revision

    async def tools(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call(self, name, arguments):
        try:
            result = await self.session.call_tool(name, arguments)
        except McpError as error:
            raise talk.Refused(error.error) from error
        texts = [part.text for part in result.content if part.type == "text"]
        return talk.Answer(bool(result.isError), texts, result.structuredContent)

    async def cancelled_call(self, name, arguments, seconds):
        request = self.session._request_id  # the number that the next request gets; 1.x offers no other way to it
        call = asyncio.create_task(self.session.call_tool(name, arguments))
        await asyncio.sleep(seconds)
        if call.done():
            return False
        params = types.CancelledNotificationParams(requestId=request, reason="no longer wanted")
        notification = types.CancelledNotification(method="notifications/cancelled", params=params)
        await self.session.send_notification(types.ClientNotification(notification))
        await asyncio.wait([call], timeout=0.2)
        answered = call.done() and not call.cancelled() and call.exception() is None
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError, McpError):
            await call
        return not answered


@contextlib.asynccontextmanager
async def connect(http_url, command):
    if http_url:
        transport = streamable_http_client(http_url)
    else:
        transport = stdio_client(StdioServerParameters(command=command, args=["stdio"], env=dict(os.environ)))
    async with transport as streams, ClientSession(streams[0], streams[1]) as session:
        revision = (await session.initialize()).protocolVersion
        if http_url and not streams[2]():
            raise RuntimeError("the server opened no session")
        yield Adapter(session, revision)


if __name__ == "__main__":
    talk.main(connect, "2025-11-25")
