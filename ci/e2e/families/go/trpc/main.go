// The SDK trpc-mcp-go. By itself it speaks 2025-03-26, with a session.
package main

import (
	"context"
	"strings"

	mcp "trpc.group/trpc-go/trpc-mcp-go"

	"sidelight/families/talk"
)

func main() {
	talk.Main(connect, "2025-03-26")
}

type client struct {
	*mcp.Client
	revision string
}

func connect(ctx context.Context, url, revision string, told talk.Told) (talk.Client, error) {
	var options []mcp.ClientOption
	if revision != "" {
		options = append(options, mcp.WithProtocolVersion(revision))
	}
	program, err := mcp.NewClient(url, mcp.Implementation{Name: "families-trpc-mcp-go", Version: "1"}, options...)
	if err != nil {
		return nil, err
	}
	program.RegisterNotificationHandler("notifications/progress", func(said *mcp.JSONRPCNotification) error {
		fields := said.Params.AdditionalFields
		message, _ := fields["message"].(string)
		told(fields["progressToken"], message)
		return nil
	})
	result, err := program.Initialize(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &client{program, result.ProtocolVersion}, nil
}

func (it *client) Revision() string {
	return it.revision
}

func (it *client) Tools(ctx context.Context) ([]string, error) {
	result, err := it.ListTools(ctx, &mcp.ListToolsRequest{})
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
	request := &mcp.CallToolRequest{}
	request.Params.Name = tool
	request.Params.Arguments = arguments
	if token != "" {
		request.Params.Meta = &struct {
			ProgressToken mcp.ProgressToken `json:"progressToken,omitempty"`
		}{token}
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
	result, err := it.ListResources(ctx, &mcp.ListResourcesRequest{})
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
	request := &mcp.ReadResourceRequest{}
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

// This SDK ends its session only when told to, and takes no status but 200 for success.
func (it *client) Close() error {
	err := it.TerminateSession(context.Background())
	if err != nil && !strings.Contains(err.Error(), "status code: 20") {
		return err
	}
	return it.Client.Close()
}
