package families;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.exception.ToolExecutionException;
import dev.langchain4j.mcp.client.DefaultMcpClient;
import dev.langchain4j.mcp.client.McpClient;
import dev.langchain4j.mcp.client.McpResource;
import dev.langchain4j.mcp.client.McpTextResourceContents;
import dev.langchain4j.mcp.client.transport.http.StreamableHttpMcpTransport;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The client of LangChain4j: it speaks 2025-11-25, with a session that it never ends, and does not say so. */
public final class Langchain4j implements Client {
    private static final String GAVE_UP = "nobody waits any longer";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final McpClient client;
    private volatile Consumer<String> heard = said -> {};

    public static void main(String[] arguments) {
        Talk.main(arguments, Langchain4j::new, null);
    }

    private Langchain4j(String url) {
        client = new DefaultMcpClient.Builder()
                .transport(new StreamableHttpMcpTransport.Builder().url(url).build())
                .clientName("families-langchain4j")
                // The same for every call of a connection.
                .toolExecutionTimeout(Talk.GIVEN_UP_AFTER)
                .toolExecutionTimeoutErrorMessage(GAVE_UP)
                // With it each call asks for progress, by a token of the client's own.
                .progressHandler(it -> heard.accept(it.progressToken() + " " + it.message()))
                .build();
    }

    @Override
    public List<String> tools() {
        return client.listTools().stream().map(ToolSpecification::name).toList();
    }

    /** An error is an exception here. The text of an answer is its structured content, where it has one. */
    @Override
    public Answer call(String tool, Map<String, Object> arguments) throws Exception {
        var request = ToolExecutionRequest.builder().name(tool).arguments(JSON.writeValueAsString(arguments)).build();
        try {
            var result = client.executeTool(request);
            return new Answer(result.isError(), result.resultText());
        } catch (ToolExecutionException error) {
            if (error.errorCode() != null) {
                throw error; // the protocol's, and not the tool's
            }
            return new Answer(true, error.getMessage());
        }
    }

    @Override
    public Answer callAndHear(String tool, Map<String, Object> arguments, Consumer<String> heard) throws Exception {
        this.heard = heard;
        return call(tool, arguments);
    }

    /** Having given up is a good answer with a text of one's own choice. */
    @Override
    public boolean givesUp(String tool, Map<String, Object> arguments) throws Exception {
        return call(tool, arguments).text().equals(GAVE_UP);
    }

    @Override
    public List<String> resources() {
        return client.listResources().stream().map(McpResource::uri).toList();
    }

    @Override
    public String read(String uri) {
        return client.readResource(uri).contents().stream()
                .map(it -> it instanceof McpTextResourceContents part ? part.text() : "")
                .collect(Collectors.joining());
    }

    @Override
    public void close() throws Exception {
        client.close();
    }
}
