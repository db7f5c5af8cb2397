package families;

import io.modelcontextprotocol.client.McpAsyncClient;
import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.spec.McpSchema;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;

/** The official Java SDK: it speaks 2025-11-25, with a session. */
public final class JavaSdk implements Client {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final McpAsyncClient client;
    private final String revision;
    private volatile Consumer<String> heard = said -> {};

    public static void main(String[] arguments) {
        Talk.main(arguments, JavaSdk::new, "2025-11-25");
    }

    private JavaSdk(String url) {
        URI whole = URI.create(url);
        var transport = HttpClientStreamableHttpTransport.builder(whole.resolve("/").toString())
                .endpoint(whole.getPath())
                .build();
        client = McpClient.async(transport)
                .clientInfo(new McpSchema.Implementation("families-java-sdk", "1"))
                .requestTimeout(PATIENCE)
                .progressConsumer(it -> Mono.fromRunnable(() -> heard.accept(it.progressToken() + " " + it.message())))
                .build();
        revision = client.initialize().block(PATIENCE).protocolVersion();
    }

    @Override
    public String revision() {
        return revision;
    }

    @Override
    public List<String> tools() {
        return client.listTools().block(PATIENCE).tools().stream().map(McpSchema.Tool::name).toList();
    }

    @Override
    public Answer call(String tool, Map<String, Object> arguments) {
        return answer(client.callTool(request(tool, arguments, null)).block(PATIENCE));
    }

    @Override
    public Answer callAndHear(String tool, Map<String, Object> arguments, Consumer<String> heard) {
        this.heard = said -> {
            if (said.startsWith("so-far ")) {
                heard.accept(said);
            }
        };
        return answer(client.callTool(request(tool, arguments, Map.of("progressToken", "so-far"))).block(PATIENCE));
    }

    /** The SDK does not tell the server: it leaves, and the call runs on. */
    @Override
    public boolean givesUp(String tool, Map<String, Object> arguments) {
        var called = client.callTool(request(tool, arguments, null)).map(it -> false);
        return called.timeout(Talk.GIVEN_UP_AFTER, Mono.just(true)).block(PATIENCE);
    }

    @Override
    public List<String> resources() {
        return client.listResources().block(PATIENCE).resources().stream().map(McpSchema.Resource::uri).toList();
    }

    @Override
    public String read(String uri) {
        var result = client.readResource(new McpSchema.ReadResourceRequest(uri)).block(PATIENCE);
        return result.contents().stream()
                .map(it -> it instanceof McpSchema.TextResourceContents text ? text.text() : "")
                .collect(Collectors.joining());
    }

    @Override
    public void close() {
        client.closeGracefully().block(PATIENCE);
    }

    private static McpSchema.CallToolRequest request(String tool, Map<String, Object> arguments, Map<String, Object> meta) {
        return new McpSchema.CallToolRequest(tool, arguments, meta);
    }

    private static Answer answer(McpSchema.CallToolResult result) {
        String text = result.content().stream()
                .map(it -> it instanceof McpSchema.TextContent part ? part.text() : "")
                .collect(Collectors.joining());
        return new Answer(Boolean.TRUE.equals(result.isError()), text);
    }
}
