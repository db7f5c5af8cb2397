//! Where a context goes, and what it gives away.

use super::*;
use crate::request::{Attribute, Carrier, Seen};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const CALLER: u64 = 0xb7ad_6b71_6920_3331;

#[derive(Debug)]
struct Step;
impl Subject for Step {
    fn name(&self) -> &'static str {
        "step"
    }
    fn attributes(&self, _: u32) -> Vec<Attribute> {
        Vec::new()
    }
    fn error_type(&self, _: usize) -> Option<&'static str> {
        None
    }
    fn remember(&self, _: u32, _: usize, _: &Seen) {}
}

fn context() -> Context {
    of(PARENT)
}
fn of(traceparent: &str) -> Context {
    let carrier = Carrier { traceparent: Some(traceparent), tracestate: Some("v=1"), ..Carrier::default() };
    Context::begin(&Arrival { carriers: [carrier, Carrier::default()], correlation_id: Some("c-1"), lasting: false })
}
fn here() -> Option<String> {
    Context::current().headers("x-id").into_iter().find(|(name, _)| *name == "traceparent").map(|(_, value)| value)
}

#[tokio::test]
async fn a_context_survives_await_and_the_carriers_that_are_given_it() {
    context()
        .scope(async {
            let root = here();
            assert_eq!(root.as_deref(), Some(PARENT));
            tokio::task::yield_now().await;
            assert_eq!(here(), root);
            let carried = Context::current().scope(async { here() });
            assert_eq!(tokio::spawn(carried).await.unwrap(), root);
            let blocking = Context::current();
            assert_eq!(tokio::task::spawn_blocking(|| blocking.run(here)).await.unwrap(), root);
            assert_eq!(tokio::spawn(async { here() }).await.unwrap(), None, "a bare spawn is not part of it");
        })
        .await;
    assert_eq!(here(), None);
}

#[test]
fn foreign_spans_are_taken_inside_an_operation_of_a_sampled_request() {
    let in_operation = || {
        let mut node = Node::begin(&Step, 0, Instant::now());
        let _current = node.enter();
        Context::takes_spans()
    };
    context().run(|| assert!(!in_operation(), "its caller did not sample"));
    let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    of(sampled).run(|| assert!(!Context::takes_spans() && in_operation()));
}

#[test]
fn children_get_ids_of_their_own_and_the_parent_s_trace() {
    context().run(|| {
        let (one, two) = (Node::begin(&Step, 0, Instant::now()), Node::begin(&Step, 0, Instant::now()));
        assert_ne!(one.context.span, two.context.span);
        let request = Context::current().request.unwrap();
        let parents: Vec<u64> = request.value().records.iter().map(|record| record.parent).collect();
        assert_eq!(parents, [CALLER, CALLER]);
    });
}

#[test]
fn a_request_is_in_flight_while_something_of_it_runs() {
    let is_shown = || crate::requests().contains("c-flying");
    let arrival = Arrival { correlation_id: Some("c-flying"), ..Arrival::default() };
    Context::begin(&arrival).run(|| {
        let begin = || Node::begin(&Step, 0, Instant::now());
        assert!(!is_shown(), "nothing runs");
        let (first, second) = (begin(), begin());
        assert!(is_shown());
        first.end(0, Duration::ZERO, &[]);
        assert!(is_shown(), "the second does");
        second.end(0, Duration::ZERO, &[]);
        assert!(!is_shown(), "somebody still holds it, and nothing runs");
    });
}

#[test]
fn lines_are_lent_the_ids_of_the_current_request_only() {
    let id = || {
        let mut found = None;
        Context::with_request(|arena, _| found = Some(arena.correlation_id.clone()));
        found
    };
    assert_eq!(context().run(id).as_deref(), Some("c-1"));
    assert_eq!(id(), None);
}

#[test]
fn a_call_that_leaves_carries_the_trace_its_state_and_the_correlation_id() {
    let headers = context().headers("x-id");
    let wanted = [("traceparent", PARENT.to_owned()), ("tracestate", "v=1".to_owned()), ("x-id", "c-1".to_owned())];
    assert_eq!(headers, wanted);
    assert!(Context::current().headers("x-id").is_empty());
    let alone = Context::begin(&Arrival { correlation_id: Some("c-2"), ..Arrival::default() });
    assert_eq!(alone.headers("x-id"), [("x-id", "c-2".to_owned())], "without a span there is no parent to name");
}

#[test]
fn only_a_sampled_request_comments_its_statements() {
    assert_eq!(context().sql_comment(), None);
    let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(of(sampled).sql_comment().unwrap(), format!("/*correlation_id='c-1',traceparent='{sampled}'*/"));
}

#[test]
fn a_note_outside_any_operation_is_nobody_s() {
    Context::note("rows", Value::Whole(1));
    context().run(|| {
        Context::note("rows", Value::Whole(1));
        let mut node = Node::begin(&Step, 0, Instant::now());
        {
            let _current = node.enter();
            Context::note("rows", Value::Whole(2));
        }
        let request = Context::current().request.unwrap();
        assert_eq!(request.value().notes(0).collect::<Vec<_>>(), [("rows", Value::Whole(2))]);
    });
}
