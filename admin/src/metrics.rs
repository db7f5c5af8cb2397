//! Everything that can be observed of the admin port itself.

use sidelight::{Counter, Gauge, catalog, labels};

labels! {
    /// The route, as it was mounted; any other path is `other`.
    pub interned Route = "http.route", at most 64;
    /// How it was answered.
    pub enum Class = "http.response.status_class" {
        /// As asked.
        Success = "2xx",
        /// Not: the caller's part.
        Caller = "4xx",
        /// Not: our part, or not in this build.
        Server = "5xx",
    }
    /// Why a caller may not.
    pub enum Denial = "reason" {
        /// The `Host` is not one that is answered.
        Host = "host",
        /// A page of another site led a browser here.
        Site = "site",
        /// The token is missing, or another.
        Token = "token",
        /// The caller is on another machine, and there is no token.
        Peer = "peer",
        /// All connections were taken: one that waited was closed, or the new one.
        Crowded = "crowded",
    }
}

catalog! {
    /// Requests to the admin port.
    pub REQUESTS: Counter<(Route, Class)> = "sidelight.admin.requests";
    /// Changes that were asked for, by page and how they were answered.
    pub CHANGES: Counter<(Route, Class)> = "sidelight.admin.changes";
    /// Requests to the admin port that were not allowed.
    pub DENIED: Counter<Denial> = "sidelight.admin.denied";
    /// 1 while the program is ready for requests, else 0.
    pub READY: Gauge<()> = "sidelight.ready";
}
