package families;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What every client of the JVM family goes through, written once; the other modules are adapters of one SDK each. Prints
 * `ok NAME` or `FAILED NAME: why` for each check, and the counts as the last line.
 */
public final class Talk {
    /** Opens a connection. */
    public interface Connect {
        Client to(String url) throws Exception;
    }

    private interface Body {
        void run() throws Exception;
    }

    /** The server waits 4 s for the vector of a slow question: a call is given up well before. */
    public static final Duration GIVEN_UP_AFTER = Duration.ofSeconds(2);
    private static final Duration NOTICED_AFTER = Duration.ofMillis(3500);
    private static final int PATIENCE_SECONDS = 30;
    private static final int AT_ONCE = 50;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger calls = new AtomicInteger();
    private Client client;
    private int passed;
    private int failed;

    /** Runs the program `PROGRAM URL`. `revision` is what it is known to speak, or null if the SDK does not tell. */
    public static void main(String[] arguments, Connect connect, String revision) {
        if (arguments.length != 1) {
            System.err.println("usage: PROGRAM URL");
            System.exit(2);
        }
        Talk talk = new Talk();
        talk.check("connects", () -> talk.client = connect.to(arguments[0]));
        if (talk.failed == 0) { // without a connection there is nothing more to see
            talk.conversation(revision);
        }
        System.out.printf("calls %d%n", talk.calls.get());
        System.out.printf("%d passed, %d failed%n", talk.passed, talk.failed);
        // Some SDKs leave threads behind that would keep the program alive.
        System.exit(talk.failed == 0 ? 0 : 1);
    }

    private void conversation(String revision) {
        if (revision != null) {
            check("speaks " + revision, () -> want(revision.equals(client.revision()), "it speaks " + client.revision()));
        }
        check("lists the three tools", this::tools);
        check("calls a tool and reads its text", this::works);
        check("bad arguments are a result that says what is wrong", this::badArguments);
        check("an unknown tool is an error with a sentence", this::unknownTool);
        check("lists the resources and reads one", this::resources);
        check("is told of progress", this::progress);
        check("gives up a call under way", this::givesUp);
        check("the next call works", this::works);
        check(AT_ONCE + " calls at once have each its own answer", this::manyAtOnce);
        restart();
        check("a call works after a restart of the server, without a new connection", this::works);
        check("closes", () -> client.close());
    }

    private void tools() throws Exception {
        List<String> names = client.tools().stream().sorted().toList();
        want(names.equals(List.of("list_sources", "read_document", "search_docs")), "listed: " + names);
    }

    private void works() throws Exception {
        Answer answer = call("list_sources", Map.of());
        want(!answer.isError() && answer.text().contains("documents"), "" + answer);
    }

    private void badArguments() throws Exception {
        Answer answer = call("search_docs", Map.of("query", "pumps", "limit", "many"));
        want(answer.isError() && answer.text().contains("`limit`"), "" + answer);
    }

    private void unknownTool() throws Exception {
        Answer answer;
        try {
            answer = call("no_such_tool", Map.of());
        } catch (Exception error) {
            String said = error.getMessage();
            // More than the name given back.
            want(said.contains("no_such_tool") && said.split("\\s+").length > 3, said);
            return;
        }
        want(false, "it was answered: " + answer);
    }

    private void resources() throws Exception {
        List<String> uris = client.resources();
        want(!uris.isEmpty() && uris.get(0).startsWith("docs://"), "listed: " + uris);
        String text = client.read(uris.get(0));
        want(text.length() > 20, uris.get(0) + ": " + text);
    }

    private void progress() throws Exception {
        LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
        calls.incrementAndGet();
        Answer answer = client.callAndHear("search_docs", Map.of("query", "how far is it"), heard::add);
        want(!answer.isError(), answer.text());
        // An SDK may hand notifications over beside the result.
        String said = heard.poll(1, TimeUnit.SECONDS);
        want(said != null && !said.isBlank(), "it was told: " + said);
    }

    private void givesUp() throws Exception {
        long started = System.nanoTime();
        calls.incrementAndGet();
        Map<String, Object> slow = Map.of("query", "go slowly, and be given up");
        boolean gaveUp = client.givesUp("search_docs", slow);
        Duration took = Duration.ofNanos(System.nanoTime() - started);
        want(gaveUp, "it was answered after " + took);
        want(took.compareTo(GIVEN_UP_AFTER.minusMillis(50)) > 0 && took.compareTo(NOTICED_AFTER) < 0, "after " + took);
    }

    private void manyAtOnce() throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (int at = 0; at < AT_ONCE; at++) {
            int mine = at;
            all.add(threads.submit(() -> {
                oneOfMany(mine);
                return null;
            }));
        }
        List<String> wrong = new ArrayList<>();
        for (Future<?> one : all) {
            try {
                one.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            } catch (ExecutionException | TimeoutException error) {
                wrong.add(why(error));
            }
        }
        want(wrong.isEmpty(), wrong.size() + " went wrong, the first: " + wrong.stream().findFirst());
    }

    /** Every other one is refused with a sentence that names what only it has asked for. */
    private void oneOfMany(int at) throws Exception {
        String query = "how do I borrow " + at + " times";
        boolean isRefused = at % 2 == 1;
        String source = "nowhere-" + at;
        Answer answer = call("search_docs", isRefused ? Map.of("query", query, "source", source) : Map.of("query", query));
        String mine = isRefused ? '"' + source + '"' : "offset";
        want(answer.isError() == isRefused && answer.text().contains(mine), at + ": " + answer);
    }

    private Answer call(String tool, Map<String, Object> arguments) throws Exception {
        calls.incrementAndGet();
        return client.call(tool, arguments);
    }

    /** Asks whoever started this program to restart the server, and waits until it has. */
    private void restart() {
        System.out.println("RESTART");
        try {
            new BufferedReader(new InputStreamReader(System.in)).readLine();
        } catch (java.io.IOException error) {
            System.err.println("nobody said that the server runs again: " + error);
        }
    }

    private void check(String name, Body body) {
        Future<?> under = threads.submit(() -> {
            body.run();
            return null;
        });
        try {
            under.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            passed++;
            System.out.println("ok " + name);
        } catch (ExecutionException | TimeoutException | InterruptedException error) {
            under.cancel(true);
            failed++;
            System.out.println("FAILED " + name + ": " + why(error));
        }
    }

    private static void want(boolean held, String why) {
        if (!held) {
            throw new AssertionError(why);
        }
    }

    /** The innermost reason and what it was wrapped in, on one line. */
    private static String why(Throwable error) {
        if (error instanceof TimeoutException) {
            return "nothing within " + PATIENCE_SECONDS + " s";
        }
        StringBuilder said = new StringBuilder();
        for (Throwable at = error.getCause() == null ? error : error.getCause(); at != null; at = at.getCause()) {
            said.append(said.isEmpty() ? "" : ", because of ");
            said.append(at instanceof AssertionError ? at.getMessage() : at.toString());
        }
        String line = said.toString().replaceAll("\\s+", " ");
        return line.length() > 600 ? line.substring(0, 600) + " ..." : line;
    }

    private Talk() {}
}
