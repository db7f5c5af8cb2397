package families

import io.ktor.client.HttpClient
import io.ktor.client.engine.cio.CIO
import io.ktor.client.plugins.sse.SSE
import io.modelcontextprotocol.kotlin.sdk.client.StreamableHttpClientTransport
import io.modelcontextprotocol.kotlin.sdk.shared.RequestOptions
import io.modelcontextprotocol.kotlin.sdk.types.CallToolResult
import io.modelcontextprotocol.kotlin.sdk.types.Implementation
import io.modelcontextprotocol.kotlin.sdk.types.McpException
import io.modelcontextprotocol.kotlin.sdk.types.ReadResourceRequest
import io.modelcontextprotocol.kotlin.sdk.types.ReadResourceRequestParams
import io.modelcontextprotocol.kotlin.sdk.types.TextContent
import io.modelcontextprotocol.kotlin.sdk.types.TextResourceContents
import java.util.function.Consumer
import kotlin.time.toKotlinDuration
import kotlinx.coroutines.runBlocking
import io.modelcontextprotocol.kotlin.sdk.client.Client as Sdk

fun main(arguments: Array<String>) {
    System.setProperty("kotlin-logging.logStartupMessage", "false") // it would stand among the checks
    Talk.main(arguments, { Kotlin(it) }, null)
}

/** The official Kotlin SDK: it speaks 2025-11-25, with a session, and does not say so. */
private class Kotlin(url: String) : Client {
    private val http = HttpClient(CIO) { install(SSE) }
    private val transport = StreamableHttpClientTransport(http, url)
    private val sdk = Sdk(Implementation("families-kotlin", "1"))

    init {
        runBlocking { sdk.connect(transport) }
    }

    override fun tools(): List<String> = runBlocking { sdk.listTools().tools.map { it.name } }

    override fun call(tool: String, arguments: Map<String, Any>) = call(tool, arguments, RequestOptions())

    // The SDK makes the token, and gives what comes for it to whoever asked.
    override fun callAndHear(tool: String, arguments: Map<String, Any>, heard: Consumer<String>) =
        call(tool, arguments, RequestOptions(onProgress = { heard.accept(it.message ?: "") }))

    override fun givesUp(tool: String, arguments: Map<String, Any>): Boolean =
        try {
            call(tool, arguments, RequestOptions(timeout = Talk.GIVEN_UP_AFTER.toKotlinDuration()))
            false
        } catch (error: McpException) {
            if ("timed out" in error.message.orEmpty()) true else throw error
        }

    // The first page only, which is all that it gives by itself.
    override fun resources(): List<String> = runBlocking { sdk.listResources().resources.map { it.uri } }

    override fun read(uri: String): String = runBlocking {
        val result = sdk.readResource(ReadResourceRequest(ReadResourceRequestParams(uri)))
        result.contents.filterIsInstance<TextResourceContents>().joinToString("") { it.text }
    }

    // This SDK ends its session only when told to.
    override fun close() = runBlocking {
        transport.terminateSession()
        sdk.close()
        http.close()
    }

    private fun call(tool: String, arguments: Map<String, Any>, options: RequestOptions): Answer = runBlocking {
        answer(sdk.callTool(tool, arguments, options = options))
    }

    private fun answer(result: CallToolResult) =
        Answer(result.isError == true, result.content.filterIsInstance<TextContent>().joinToString("") { it.text })
}
