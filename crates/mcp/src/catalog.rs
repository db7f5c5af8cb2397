//! `mcp catalog`: every series that this build can show, from the declarations themselves. Reads no number.

use crate::command::Format;
use serde_json::json;
use sidelight::{Catalog, Described, described};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

/// This build has no series.
#[derive(Debug, thiserror::Error)]
#[error("this build shows no series: build with feature `metrics`")]
pub struct NoMetrics;

/// Prints the table.
///
/// # Errors
/// [`NoMetrics`].
pub fn print(format: Format) -> Result<(), NoMetrics> {
    if !sidelight::metrics::COMPILED {
        return Err(NoMetrics);
    }
    let series = described(&CATALOGS);
    let table = match format {
        Format::Markdown => markdown(&series),
        Format::Json => json(&series),
    };
    let _ = io::stdout().write_all(table.as_bytes()); // whoever closed the pipe has read enough
    Ok(())
}

/// Everything that can be observed of this program, but for Sidelight's own.
pub(crate) const CATALOGS: [Catalog; 5] =
    [crate::CATALOG, sidelight_rmcp::CATALOG, documents::CATALOG, embeddings::CATALOG, sidelight_admin::CATALOG];

/// What users ask for by other names.
const ASKED_FOR: [(&str, &str); 5] = [
    ("db_client_operation_duration_seconds", "query_latency_histogram"),
    ("gen_ai_client_embeddings_duration_seconds", "embedding_generation_time_histogram"),
    ("cache_requests_total", "cache_hit_rate_counter"),
    ("mcp_active_connections", "active_connections_gauge"),
    ("mcp_server_requests_total", "request_counter"),
];

fn asked_for(series: &str) -> Option<&'static str> {
    ASKED_FOR.iter().find(|(known, _)| *known == series).map(|(_, asked)| *asked)
}

fn markdown(series: &[Described]) -> String {
    let mut table = "| series | kind | labels | what it is | asked for as |\n|---|---|---|---|---|\n".to_owned();
    for Described { series, kind, labels, help } in series {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let asked = asked_for(series).map_or_else(String::new, |asked| format!("`{asked}`"));
        let (labels, help) = (labels.join(", "), help.replace('|', "\\|").replace('\n', " "));
        let _ = writeln!(table, "| `{series}` | {kind} | {labels} | {help} | {asked} |");
    }
    table
}

fn json(series: &[Described]) -> String {
    let one = |it: &Described| json!({ "series": it.series, "kind": it.kind, "labels": it.labels, "help": it.help, "asked_for": asked_for(&it.series) });
    let all: Vec<_> = series.iter().map(one).collect();
    format!("{:#}\n", json!(all))
}
