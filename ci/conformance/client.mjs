// The official TypeScript client, once through: connect, list, call. Prints what it got; ends with an error otherwise.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const client = new Client({ name: "typescript", version: "0" });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const { tools } = await client.listTools();
const found = await client.callTool({ name: "search_docs", arguments: { query: "borrow a value mutably" } });
const best = found.structuredContent.hits[0].id;
console.log(tools.map((tool) => tool.name).join(", "), "; best:", best);
await client.close();
if (best !== "documents/borrowing.md") throw new Error("another document was expected");
