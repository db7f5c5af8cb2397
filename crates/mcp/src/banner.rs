//! The five lines that say where to look, on standard error: standard output belongs to the log.

use crate::terminal;
use std::net::SocketAddr;

/// What a person wants to know of a server that has just started.
pub(crate) struct Banner<'a> {
    pub(crate) mcp: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) store: &'a str,
    pub(crate) documents: &'a str,
}

impl Banner<'_> {
    pub(crate) fn print(&self) {
        terminal::say(format_args!("{}", self.render()));
    }

    fn render(&self) -> String {
        let Self { mcp, store, documents, .. } = self;
        let admin = match self.admin {
            Some(admin) => format!("http://{admin}/  (metrics: /metrics, health: /readyz)"),
            None => "off".to_owned(),
        };
        let profiles = match self.admin {
            Some(admin) if sidelight::profiling::COMPILED => {
                format!("curl -o cpu.pb.gz 'http://{admin}/debug/pprof/profile?seconds=10'")
            }
            _ => "none in this build, or no admin port".to_owned(),
        };
        format!(
            "mcp        http://{mcp}/mcp\nadmin      {admin}\nprofiles   {profiles}\nstore      {store}\ndocuments  {documents}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_lines_say_where_to_look() {
        let mcp = SocketAddr::from(([127, 0, 0, 1], 3000));
        let banner = Banner { mcp, admin: Some(mcp), store: "sqlite:///a.db", documents: "the books" };
        let lines = banner.render();
        assert_eq!(lines.lines().count(), 5);
        assert!(
            lines.starts_with("mcp        http://127.0.0.1:3000/mcp\nadmin      http://127.0.0.1:3000/"),
            "{lines}"
        );
        assert!(Banner { admin: None, ..banner }.render().contains("admin      off"));
    }
}
