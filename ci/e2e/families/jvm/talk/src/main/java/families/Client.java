package families;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What an SDK can do, in the words of the checks. What the protocol refuses is an exception whose message is the
 * server's sentence; what a tool refuses is an answer that is an error.
 */
public interface Client {
    /** What both sides agreed on; null from an SDK that does not tell. */
    default String revision() {
        return null;
    }

    List<String> tools() throws Exception;

    Answer call(String tool, Map<String, Object> arguments) throws Exception;

    /** The same, with a progress token; what is said is handed over as it comes. */
    Answer callAndHear(String tool, Map<String, Object> arguments, Consumer<String> heard) throws Exception;

    /** Calls and gives up after `Talk.GIVEN_UP_AFTER`, in the way of the SDK; false if it was answered before. */
    boolean givesUp(String tool, Map<String, Object> arguments) throws Exception;

    List<String> resources() throws Exception;

    String read(String uri) throws Exception;

    void close() throws Exception;
}
