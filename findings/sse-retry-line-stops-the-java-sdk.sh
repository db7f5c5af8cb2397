#!/usr/bin/env bash
# The Java SDK of MCP, 2.0.1 and before, cannot read a server-sent event that has a `retry` field.
#
# `retry` is a field of the standard for server-sent events: it says how long to wait before a new connection, and a reader
# that has no use for it passes it over. These versions refuse the line, and with it the reply: the client never comes to its
# first call. Version 2.1.0 reads it.
#
# Seen: 2.0.1 with the line    "failed"
#       2.0.1 without it       "ok"
#       2.1.0 with the line    "ok"
# Exits 1 when any of them is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > server.py <<'PYTHON'
import http.server, json, sys

RETRY = "retry: 3000\n" if sys.argv[1] == "with" else ""

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def empty(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "id" not in message:
            return self.empty(202)
        result = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "serverInfo": {"name": "plain", "version": "1"},
        }
        reply = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        body = f"id: 1\n{RETRY}event: message\ndata: {reply}\n\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.empty(405)

    do_DELETE = do_GET

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON

mkdir -p src/main/java
cat > src/main/java/Plain.java <<'JAVA'
import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import java.time.Duration;

public final class Plain {
    public static void main(String[] arguments) {
        var transport = HttpClientStreamableHttpTransport.builder(arguments[0]).endpoint("/mcp").build();
        var client = McpClient.sync(transport).initializationTimeout(Duration.ofSeconds(8)).build();
        try {
            client.initialize();
            System.out.println("ok");
        } catch (RuntimeException error) {
            System.out.println("failed");
        }
        System.exit(0);
    }
}
JAVA

cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>plain</groupId>
  <artifactId>plain</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
    <mcp.version>2.0.1</mcp.version>
  </properties>
  <dependencies>
    <dependency>
      <groupId>io.modelcontextprotocol.sdk</groupId>
      <artifactId>mcp</artifactId>
      <version>${mcp.version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-nop</artifactId>
      <version>2.0.17</version>
    </dependency>
  </dependencies>
</project>
XML

seen() { # version, with or without
    mvn -q -B "-Dmcp.version=$1" compile dependency:copy-dependencies "-DoutputDirectory=lib-$1" > mvn.log 2>&1 ||
        { cat mvn.log >&2; exit 2; }
    timeout 60 python3 server.py "$2" > port &
    local server=$!
    while [ ! -s port ]; do sleep 0.1; done
    timeout 40 java -cp "target/classes:lib-$1/*" Plain "http://127.0.0.1:$(cat port)" 2> /dev/null | tail -1
    kill "$server"
    rm port
}

old=$(seen 2.0.1 with)
without=$(seen 2.0.1 without)
new=$(seen 2.1.0 with)
printf '2.0.1 with the line: %s\n2.0.1 without it:    %s\n2.1.0 with the line: %s\n' "$old" "$without" "$new"
[[ $old == failed && $without == ok && $new == ok ]]
