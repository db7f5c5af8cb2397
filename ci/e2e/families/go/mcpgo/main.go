// The SDK mcp-go. By itself it speaks 2026-07-28, which has no sessions; with an older revision it has one.
package main

import (
	"context"
	"strings"

	sdk "github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"sidelight/families/talk"
)

func main() {
	talk.Main(connect, "2026-07-28")
}

type client struct {
	*sdk.Client
}

func connect(ctx context.Context, url, revision string, told talk.Told) (talk.Client, error) {
	wire, err := transport.NewStreamableHTTP(url)
	if err != nil {
		return nil, err
	}
	it := &client{sdk.NewClient(wire, sdk.WithProtocolVersion(revision))}
	// The context of `Start` is the connection's own: it must not end with the check.
	if err := it.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	it.OnNotification(func(said mcp.JSONRPCNotification) {
		if said.Method == "notifications/progress" {
			fields := said.Params.AdditionalFields
			message, _ := fields["message"].(string)
			told(fields["progressToken"], message)
		}
	})
	hello := mcp.InitializeRequest{}
	hello.Params.ClientInfo = mcp.Implementation{Name: "families-mcp-go", Version: "1"}
	_, err = it.Initialize(ctx, hello)
	return it, err
}

func (it *client) Revision() string {
	return it.ProtocolVersion()
}

func (it *client) Tools(ctx context.Context) ([]string, error) {
	result, err := it.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, tool := range result.Tools {
		names = append(names, tool.Name)
	}
	return names, nil
}

func (it *client) Call(ctx context.Context, tool string, arguments map[string]any, token string) (talk.Answer, error) {
	request := mcp.CallToolRequest{}
	request.Params.Name = tool
	request.Params.Arguments = arguments
	if token != "" {
		request.Params.Meta = &mcp.Meta{ProgressToken: token}
	}
	result, err := it.CallTool(ctx, request)
	if err != nil {
		return talk.Answer{}, err
	}
	var text strings.Builder
	for _, content := range result.Content {
		if part, ok := content.(mcp.TextContent); ok {
			text.WriteString(part.Text)
		}
	}
	return talk.Answer{IsError: result.IsError, Text: text.String()}, nil
}

func (it *client) Resources(ctx context.Context) ([]string, error) {
	result, err := it.ListResources(ctx, mcp.ListResourcesRequest{})
	if err != nil {
		return nil, err
	}
	var uris []string
	for _, resource := range result.Resources {
		uris = append(uris, resource.URI)
	}
	return uris, nil
}

func (it *client) Read(ctx context.Context, uri string) (string, error) {
	request := mcp.ReadResourceRequest{}
	request.Params.URI = uri
	result, err := it.ReadResource(ctx, request)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, content := range result.Contents {
		if part, ok := content.(mcp.TextResourceContents); ok {
			text.WriteString(part.Text)
		}
	}
	return text.String(), nil
}
