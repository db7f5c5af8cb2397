// Package talk holds what every client of the Go family goes through, written once. The programs beside it are adapters
// of one SDK each; which server it is, and what runs it, is not known here.
package talk

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Client is what an SDK can do, in the words of the checks. Refusals by the protocol are errors, a tool's own are answers.
type Client interface {
	Revision() string
	Tools(ctx context.Context) ([]string, error)
	// Call asks for progress when the token is not empty.
	Call(ctx context.Context, tool string, arguments map[string]any, token string) (Answer, error)
	Resources(ctx context.Context) ([]string, error)
	Read(ctx context.Context, uri string) (string, error)
	Close() error
}

// Answer is a tool's result.
type Answer struct {
	IsError bool
	Text    string
}

// Told is called with each notification of progress: its token and what it says.
type Told func(token any, message string)

// Connect opens a connection in a revision; an empty one is the SDK's own choice.
type Connect func(ctx context.Context, url, revision string, told Told) (Client, error)

const (
	patience = 30 * time.Second
	// The server waits 4 s for the vector of a slow question: a call is given up well before.
	givenUpAfter = time.Second
	noticedAfter = 3 * time.Second
	atOnce       = 50
)

// Main runs the program `PROGRAM [-revision REVISION] URL`; `natural` is what the SDK speaks by itself.
func Main(connect Connect, natural string) {
	revision := flag.String("revision", "", "what to speak, if not what the SDK prefers")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: PROGRAM [-revision REVISION] URL")
		os.Exit(2)
	}
	it := &talk{heard: make(chan string, 1000)}
	it.check("connects", func(ctx context.Context) error {
		client, err := connect(ctx, flag.Arg(0), *revision, it.told)
		it.client = client
		return err
	})
	if it.failed == 0 { // without a connection there is nothing more to see
		it.conversation(cmp.Or(*revision, natural))
	}
	it.end()
}

type talk struct {
	client         Client
	heard          chan string
	calls          atomic.Int64
	passed, failed int
}

func (it *talk) conversation(revision string) {
	it.check("speaks "+revision, func(context.Context) error {
		return want(it.client.Revision() == revision, "it speaks %s", it.client.Revision())
	})
	it.check("lists the three tools", it.tools)
	it.check("calls a tool and reads its text", it.works)
	it.check("bad arguments are a result that says what is wrong", it.badArguments)
	it.check("an unknown tool is an error with a sentence", it.unknownTool)
	it.check("lists the resources and reads one", it.resources)
	it.check("is told of progress", it.progress)
	it.check("gives up a call under way", it.givesUp)
	it.check("the next call works", it.works)
	it.check(fmt.Sprintf("%d calls at once have each its own answer", atOnce), it.manyAtOnce)
	restart()
	it.check("a call works after a restart of the server, without a new connection", it.works)
	it.check("closes", func(context.Context) error { return it.client.Close() })
}

func (it *talk) tools(ctx context.Context) error {
	names, err := it.client.Tools(ctx)
	if err != nil {
		return err
	}
	slices.Sort(names)
	return want(slices.Equal(names, []string{"list_sources", "read_document", "search_docs"}), "listed: %v", names)
}

func (it *talk) works(ctx context.Context) error {
	answer, err := it.call(ctx, "list_sources", map[string]any{}, "")
	if err != nil {
		return err
	}
	return want(!answer.IsError && strings.Contains(answer.Text, "documents"), "%+v", answer)
}

func (it *talk) badArguments(ctx context.Context) error {
	answer, err := it.call(ctx, "search_docs", map[string]any{"query": "pumps", "limit": "many"}, "")
	if err != nil {
		return err
	}
	return want(answer.IsError && strings.Contains(answer.Text, "`limit`"), "%+v", answer)
}

func (it *talk) unknownTool(ctx context.Context) error {
	answer, err := it.call(ctx, "no_such_tool", map[string]any{}, "")
	if err == nil {
		return fmt.Errorf("it was answered: %+v", answer)
	}
	// More than the name given back.
	return want(strings.Contains(err.Error(), "no_such_tool") && len(strings.Fields(err.Error())) > 3, "%v", err)
}

func (it *talk) resources(ctx context.Context) error {
	uris, err := it.client.Resources(ctx)
	if err != nil {
		return err
	}
	if len(uris) == 0 || !strings.HasPrefix(uris[0], "docs://") {
		return fmt.Errorf("listed: %v", uris)
	}
	text, err := it.client.Read(ctx, uris[0])
	if err != nil {
		return err
	}
	return want(len(text) > 20, "%s: %q", uris[0], text)
}

func (it *talk) progress(ctx context.Context) error {
	answer, err := it.call(ctx, "search_docs", map[string]any{"query": "how far is it"}, "so-far")
	if err != nil {
		return err
	}
	if answer.IsError {
		return fmt.Errorf("%s", answer.Text)
	}
	select {
	case said := <-it.heard:
		return want(strings.HasPrefix(said, "so-far "), "it was told: %s", said)
	case <-time.After(time.Second): // an SDK may hand notifications over beside the result
		return fmt.Errorf("it was told nothing")
	}
}

func (it *talk) givesUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, givenUpAfter)
	defer cancel()
	started := time.Now()
	answer, err := it.call(ctx, "search_docs", map[string]any{"query": "go slowly, and be given up"}, "")
	took := time.Since(started)
	if err == nil {
		return fmt.Errorf("it was answered after %v: %+v", took, answer)
	}
	return want(took >= givenUpAfter && took < noticedAfter, "it ended after %v: %v", took, err)
}

func (it *talk) manyAtOnce(ctx context.Context) error {
	wrong := make([]error, atOnce)
	var all sync.WaitGroup
	for at := range atOnce {
		all.Go(func() { wrong[at] = it.oneOfMany(ctx, at) })
	}
	all.Wait()
	wrong = slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
	if len(wrong) > 0 {
		return fmt.Errorf("%d of %d went wrong, the first: %w", len(wrong), atOnce, wrong[0])
	}
	return nil
}

// Every other one is refused with a sentence that names what only it has asked for.
func (it *talk) oneOfMany(ctx context.Context, at int) error {
	arguments := map[string]any{"query": fmt.Sprintf("how do I borrow %d times", at)}
	mine := "offset:"
	if at%2 == 1 {
		mine = fmt.Sprintf(`"nowhere-%d"`, at)
		arguments["source"] = fmt.Sprintf("nowhere-%d", at)
	}
	answer, err := it.call(ctx, "search_docs", arguments, "")
	if err != nil {
		return err
	}
	return want(answer.IsError == (at%2 == 1) && strings.Contains(answer.Text, mine), "%d: %+v", at, answer)
}

func (it *talk) call(ctx context.Context, tool string, arguments map[string]any, token string) (Answer, error) {
	it.calls.Add(1)
	return it.client.Call(ctx, tool, arguments, token)
}

// Asks whoever started this program to restart the server, and waits until it has.
func restart() {
	fmt.Println("RESTART")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		fmt.Fprintln(os.Stderr, "nobody said that the server runs again:", err)
	}
}

func (it *talk) told(token any, message string) {
	select {
	case it.heard <- fmt.Sprintf("%v %s", token, message):
	default: // nobody listens any more
	}
}

func (it *talk) check(name string, body func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := body(ctx); err != nil {
		it.failed++
		fmt.Printf("FAILED %s: %s\n", name, oneLine(err.Error()))
		return
	}
	it.passed++
	fmt.Printf("ok %s\n", name)
}

func (it *talk) end() {
	fmt.Printf("calls %d\n", it.calls.Load())
	fmt.Printf("%d passed, %d failed\n", it.passed, it.failed)
	if it.failed > 0 {
		os.Exit(1)
	}
}

func want(held bool, why string, values ...any) error {
	if held {
		return nil
	}
	return fmt.Errorf(why, values...)
}

func oneLine(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if len(line) > 600 {
		return line[:600] + " ..."
	}
	return line
}
