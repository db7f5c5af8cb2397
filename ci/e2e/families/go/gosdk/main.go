// The official Go SDK. By itself it speaks 2026-07-28, which has no sessions; with an older revision it has one.
package main

import (
	"context"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"sidelight/families/talk"
)

func main() {
	talk.Main(connect, "2026-07-28")
}

type client struct {
	session *mcp.ClientSession
}

func connect(ctx context.Context, url, revision string, told talk.Told) (talk.Client, error) {
	options := &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, it *mcp.ProgressNotificationClientRequest) {
			told(it.Params.ProgressToken, it.Params.Message)
		},
	}
	program := mcp.NewClient(&mcp.Implementation{Name: "families-go-sdk", Version: "1"}, options)
	transport := &mcp.StreamableClientTransport{Endpoint: url}
	session, err := program.Connect(ctx, transport, &mcp.ClientSessionOptions{ProtocolVersion: revision})
	return &client{session}, err
}

func (it *client) Revision() string {
	return it.session.InitializeResult().ProtocolVersion
}

func (it *client) Tools(ctx context.Context) ([]string, error) {
	var names []string
	for tool, err := range it.session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		names = append(names, tool.Name)
	}
	return names, nil
}

func (it *client) Call(ctx context.Context, tool string, arguments map[string]any, token string) (talk.Answer, error) {
	params := &mcp.CallToolParams{Name: tool, Arguments: arguments}
	if token != "" {
		params.SetProgressToken(token)
	}
	result, err := it.session.CallTool(ctx, params)
	if err != nil {
		return talk.Answer{}, err
	}
	var text strings.Builder
	for _, content := range result.Content {
		if part, ok := content.(*mcp.TextContent); ok {
			text.WriteString(part.Text)
		}
	}
	return talk.Answer{IsError: result.IsError, Text: text.String()}, nil
}

func (it *client) Resources(ctx context.Context) ([]string, error) {
	var uris []string
	for resource, err := range it.session.Resources(ctx, nil) {
		if err != nil {
			return nil, err
		}
		uris = append(uris, resource.URI)
	}
	return uris, nil
}

func (it *client) Read(ctx context.Context, uri string) (string, error) {
	result, err := it.session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, part := range result.Contents {
		text.WriteString(part.Text)
	}
	return text.String(), nil
}

func (it *client) Close() error {
	return it.session.Close()
}
