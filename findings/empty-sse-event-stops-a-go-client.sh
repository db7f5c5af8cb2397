#!/usr/bin/env bash
# trpc-mcp-go 0.0.20 gives up a streamed reply at an event whose data are empty.
#
# A server of the Model Context Protocol may begin each streamed reply with an event that has an id and empty data, so that a
# client can resume the stream; the standard for server-sent events calls such an event nothing to dispatch. This client
# reads it as a message, and the call fails. Without that event the same reply is read.
#
# Seen: with the event    "failed ..."
#       without it        "ok"
# Exits 1 when either is otherwise.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/plain"
cd "$folder/plain"
export GOPATH="$folder/go" GOFLAGS=-mod=mod

cat > server.py <<'PYTHON'
import http.server, json, sys

WITH_EVENT = sys.argv[1] == "with"

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "id" not in message:
            self.send_response(202)
            self.send_header("content-length", "0")
            return self.end_headers()
        result = {
            "protocolVersion": "2025-03-26",
            "capabilities": {},
            "serverInfo": {"name": "plain", "version": "1"},
        }
        reply = "event: message\ndata: " + json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n\n"
        body = (("id: 1\ndata:\n\n" if WITH_EVENT else "") + reply).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("mcp-session-id", "s-1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_response(405)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON

cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	mcp "trpc.group/trpc-go/trpc-mcp-go"
)

func main() {
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := mcp.NewClient(os.Args[1], mcp.Implementation{Name: "plain", Version: "1"})
	if err == nil {
		_, err = client.Initialize(limit, nil)
	}
	if err != nil {
		fmt.Println("failed:", err)
		return
	}
	fmt.Println("ok")
}
GO

cat > go.mod <<'MOD'
module plain
go 1.25.5
require trpc.group/trpc-go/trpc-mcp-go v0.0.20
MOD
go mod tidy > tidy.log 2>&1 || { cat tidy.log; exit 2; }
go build -o client .

seen() {
    timeout 60 python3 server.py "$1" > port 2>/dev/null &
    server=$!
    while [ ! -s port ]; do sleep 0.1; done
    timeout 20 ./client "http://127.0.0.1:$(cat port)/mcp" 2>/dev/null | grep -E '^(ok|failed)' | tail -1
    kill "$server"
    rm port
}

with=$(seen with)
without=$(seen without)
printf 'with the event:    %s\nwithout the event: %s\n' "$with" "$without"
[[ $with == failed* && $without == ok ]]
