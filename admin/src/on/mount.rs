//! Folds the pages into routes, and turns what a page says into a reply. Knows no page by name but the port's own.

use super::{Site, access::Refused};
use crate::metrics::{CHANGES, Class, DENIED, REQUESTS, Route as Label};
use poem::{
    Endpoint, EndpointExt, Request, Response, Route, RouteMethod, endpoint,
    error::ResponseError as _,
    get,
    http::{HeaderMap, StatusCode, header},
};
use serde_json::json;
use sidelight::{
    FEATURES, Page,
    page::{Accepts, PageError, Parameter, Permission, Reply},
};
use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write as _},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::time::timeout;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// Every route of this build.
pub(crate) fn routes(site: &Arc<Site>) -> impl Endpoint + use<> {
    let own = |permission, show: fn(&Site, &Caller) -> Response| {
        let site = Arc::clone(site);
        get(endpoint::make_sync(move |request: Request| {
            let caller = Caller::of(&request);
            match site.access.check(permission, caller.peer, &caller.headers) {
                Ok(()) => show(&site, &caller),
                Err(refused) => refuse(&refused),
            }
        }))
    };
    Label::intern(OWN.into_iter().chain(site.pages.iter().map(|page| page.path)));
    let mut routes = Route::new()
        .at("/", own(Permission::Read, |site, _| plain(HTML, index(site))))
        .at("/build", own(Permission::Read, |site, _| plain(JSON, build(site))))
        .at("/debug/pprof", own(Permission::Read, |site, _| plain(HTML, index(site))))
        .at("/debug/pprof/", own(Permission::Read, |site, _| plain(HTML, index(site))));
    for path in ["/livez", "/health/live"] {
        routes = routes.at(path, own(Permission::Anyone, |_, _| plain(TEXT, "ok\n".into())));
    }
    for path in ["/readyz", "/health/ready"] {
        routes = routes.at(path, own(Permission::Anyone, |site, caller| health(site, caller, site.health.is_ready())));
    }
    for path in ["/startupz", "/health/startup"] {
        let started = |site: &Site, caller: &Caller| health(site, caller, site.health.is_started());
        routes = routes.at(path, own(Permission::Anyone, started));
    }
    for page in &site.pages {
        let (own, page) = (Arc::clone(site), *page);
        let show = move |request| answer(Arc::clone(&own), page, request);
        let route = get(endpoint::make(show));
        let route = if page.permission == Permission::Profile { route.head(headless(site, page)) } else { route };
        routes = routes.at(page.path, changeable(site, page, route));
    }
    let routes = routes.catch_all_error(|error: poem::Error| async move {
        let status = error.status();
        failure(status, status.canonical_reason().unwrap_or("error"))
    });
    routes.around(|routes, request| async move {
        let route = Label::named(request.uri().path());
        let response = routes.get_response(request).await;
        REQUESTS.add((route, class(response.status())), 1);
        Ok(response)
    })
}

/// The port's own routes.
const OWN: [&str; 10] = [
    "/",
    "/build",
    "/debug/pprof",
    "/debug/pprof/",
    "/livez",
    "/health/live",
    "/readyz",
    "/health/ready",
    "/startupz",
    "/health/startup",
];

fn class(status: StatusCode) -> Class {
    match status.as_u16() {
        ..400 => Class::Success,
        400..500 => Class::Caller,
        _ => Class::Server,
    }
}

/// What is asked of whoever calls.
struct Caller {
    peer: Option<IpAddr>,
    headers: HeaderMap,
}

impl Caller {
    fn of(request: &Request) -> Self {
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        Self { peer, headers: request.headers().clone() }
    }

    /// A header that is a list, which may come in several lines.
    fn list(&self, name: header::HeaderName) -> String {
        let lines = self.headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.collect::<Vec<_>>().join(",")
    }
}

/// A page's way: may the caller, is the query right, and then its work on a thread that may block.
async fn answer(site: Arc<Site>, page: &'static Page, request: Request) -> poem::Result<Response> {
    let caller = Caller::of(&request);
    if let Err(refused) = site.access.check(page.permission, caller.peer, &caller.headers) {
        return Ok(refuse(&refused));
    }
    let Ok(pairs) = request.params::<Vec<(String, String)>>() else {
        return Ok(page_error(PageError::BadParameter("the query is not a list of name=value".into())));
    };
    let pairs = pairs.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Owned(value)));
    let accepts =
        Accepts { accept: caller.list(header::ACCEPT), accept_encoding: caller.list(header::ACCEPT_ENCODING) };
    let is_profile = page.permission == Permission::Profile;
    let turn = is_profile.then(|| Arc::clone(&site.profiles).try_acquire_owned());
    if let Some(Err(_)) = turn {
        audit(page.path, caller.peer, "refused");
        return Ok(page_error(PageError::Busy { retry_after: Duration::from_secs(1) }));
    }
    let asker = site.leavers.waits(request.remote_addr().as_socket_addr().copied());
    let gone = asker.gone.clone();
    let shown = tokio::task::spawn_blocking(move || {
        let _turn = turn; // until the work is done: whoever asked may have left before
        page.answer(pairs, accepts, gone)
    });
    let (outcome, response) = match timeout(patience(&caller.headers), shown).await {
        Ok(Ok(Ok(reply))) => ("ok", page_reply(reply)),
        Ok(Ok(Err(error))) => ("refused", page_error(error)),
        Ok(Err(_)) => ("panicked", failure(StatusCode::INTERNAL_SERVER_ERROR, "the page failed; the log says more")),
        Err(_) => ("late", failure(StatusCode::SERVICE_UNAVAILABLE, "it takes longer than the scraper waits")),
    };
    if is_profile {
        audit(page.path, caller.peer, outcome);
    }
    Ok(response)
}

/// What `HEAD` is told of a profile, which is not taken for it.
fn headless(site: &Arc<Site>, page: &'static Page) -> impl Endpoint + use<> {
    let site = Arc::clone(site);
    endpoint::make_sync(move |request: Request| {
        let caller = Caller::of(&request);
        match site.access.check(page.permission, caller.peer, &caller.headers) {
            Ok(()) => plain("application/octet-stream", String::new()),
            Err(refused) => refuse(&refused),
        }
    })
}

/// A page that can be changed takes a PUT as well.
fn changeable(site: &Arc<Site>, page: &'static Page, route: RouteMethod) -> RouteMethod {
    if page.change.is_none() {
        return route;
    }
    let site = Arc::clone(site);
    route.put(endpoint::make(move |request| change(Arc::clone(&site), page, request)))
}

/// A change's way: may the caller, is the query right, and what does the body say.
async fn change(site: Arc<Site>, page: &'static Page, mut request: Request) -> poem::Result<Response> {
    let caller = Caller::of(&request);
    if let Err(refused) = site.access.check(Permission::Change, caller.peer, &caller.headers) {
        return Ok(refuse(&refused));
    }
    let Ok(pairs) = request.params::<Vec<(String, String)>>() else {
        return Ok(page_error(PageError::BadParameter("the query is not a list of name=value".into())));
    };
    let body = match timeout(BODY, request.take_body().into_bytes_limit(BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return Ok(failure(error.status(), &format!("the body may hold {BODY_BYTES_MAX} bytes"))),
        Err(_) => return Ok(failure(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")),
    };
    let Ok(body) = String::from_utf8(body.to_vec()) else {
        return Ok(page_error(PageError::BadParameter("the body is not UTF-8".into())));
    };
    let pairs = pairs.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Owned(value)));
    let to = body.clone();
    let (outcome, response) = match page.put(pairs, body) {
        Some(Ok(reply)) => ("ok", page_reply(reply)),
        Some(Err(error)) => ("refused", page_error(error)),
        None => ("refused", failure(StatusCode::METHOD_NOT_ALLOWED, "there is nothing to change")),
    };
    CHANGES.add((Label::named(page.path), class(response.status())), 1);
    audit_change(page.path, caller.peer, &to, outcome);
    Ok(response)
}

/// How long a body may take.
const BODY: Duration = Duration::from_secs(5);
/// Directives and numbers are short.
const BODY_BYTES_MAX: usize = 4096;

/// How long whoever asks will wait: Prometheus says so.
fn patience(headers: &HeaderMap) -> Duration {
    let said = headers.get("x-prometheus-scrape-timeout-seconds").and_then(|value| value.to_str().ok()?.parse().ok());
    let seconds = said.filter(|seconds| (0.0..PATIENCE_MAX).contains(seconds)).unwrap_or(PATIENCE_MAX);
    Duration::from_secs_f64(seconds)
}

/// Longer than any page takes.
const PATIENCE_MAX: f64 = 300.0;

/// Every profile leaves a line, in a build without log lines too.
fn audit(path: &'static str, peer: Option<IpAddr>, outcome: &'static str) {
    let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
    if sidelight::tracing::COMPILED {
        sidelight::audit!("audit: a profile was asked for", path = path, peer = peer, outcome = outcome);
    } else {
        let _ = writeln!(io::stderr(), "audit: a profile was asked for path={path} peer={peer} outcome={outcome}");
    }
}

/// Every change leaves a line, too.
fn audit_change(path: &'static str, peer: Option<IpAddr>, to: &str, outcome: &'static str) {
    let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
    if sidelight::tracing::COMPILED {
        sidelight::audit!("audit: a change was asked for", path = path, peer = peer, to = to, outcome = outcome);
    } else {
        let _ =
            writeln!(io::stderr(), "audit: a change was asked for path={path} peer={peer} to={to:?} outcome={outcome}");
    }
}

fn page_reply(reply: Reply) -> Response {
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, reply.content_type)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::VARY, "accept, accept-encoding");
    if let Some(encoding) = reply.encoding {
        response = response.header(header::CONTENT_ENCODING, encoding);
    }
    if let Some(name) = reply.file_name {
        response = response.header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    }
    response.body(reply.body)
}

fn page_error(error: PageError) -> Response {
    match error {
        PageError::BadParameter(why) => failure(StatusCode::BAD_REQUEST, &why),
        PageError::SwitchedOff { setting } => {
            failure(StatusCode::FORBIDDEN, &format!("switched off: {setting} does not allow it"))
        }
        PageError::NotBuilt { feature } => {
            failure(StatusCode::NOT_IMPLEMENTED, &format!("not in this build: it needs the Cargo feature `{feature}`"))
        }
        PageError::Failed(why) => failure(StatusCode::SERVICE_UNAVAILABLE, &why),
        PageError::Busy { retry_after } => {
            let mut response = failure(StatusCode::CONFLICT, "another profile is being taken; try again later");
            response.headers_mut().insert(header::RETRY_AFTER, retry_after.as_secs().max(1).into());
            response
        }
    }
}

/// One line of text; `go tool pprof` shows it only beside its own header.
fn failure(status: StatusCode, why: &str) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, TEXT)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header("x-go-pprof", "1")
        .body(format!("{why}\n"))
}

fn refuse(refused: &Refused) -> Response {
    DENIED.add(refused.denial, 1);
    let mut response = failure(refused.status(), refused.why);
    if refused.status() == StatusCode::UNAUTHORIZED {
        let schemes = header::HeaderValue::from_static("Bearer, Basic realm=\"sidelight\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, schemes);
    }
    response
}

fn plain(content_type: &'static str, body: String) -> Response {
    page_reply(Reply { content_type, encoding: None, file_name: None, body: body.into_bytes() })
}

/// Reasons are for those who may read; anybody else learns only whether.
fn health(site: &Site, caller: &Caller, well: bool) -> Response {
    let may_read = site.access.check(Permission::Read, caller.peer, &caller.headers).is_ok();
    let mut response = if may_read {
        plain(JSON, format!("{:#}\n", json!({ "ok": well, "parts": site.health.parts() })))
    } else {
        plain(TEXT, if well { "ok\n" } else { "not ready\n" }.into())
    };
    if !well {
        response.set_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    response
}

fn build(site: &Site) -> String {
    let features: Vec<_> = FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    let build = json!({
        "program": site.settings.program,
        "version": site.settings.version,
        "commit": site.settings.commit,
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "features": features,
    });
    format!("{build:#}\n")
}

fn index(site: &Site) -> String {
    let mut rows = String::new();
    for page in &site.pages {
        let names = |parameters: &[Parameter]| parameters.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
        let (path, says, parameters) = (page.path, page.says, names(page.parameters.unwrap_or_default()));
        let _ = writeln!(rows, "<tr><td><a href=\"{path}\">{path}</a><td>{says}<td>{parameters}");
        if let Some(change) = &page.change {
            let (says, parameters) = (change.says, names(change.parameters));
            let _ = writeln!(rows, "<tr><td>{path}<td>{says}<td>{parameters}");
        }
    }
    let own = [
        ("/livez", "The process runs."),
        ("/readyz", "Requests are answered, or why not."),
        ("/startupz", "It was ready once."),
        ("/build", "Version and features."),
    ];
    for (path, says) in own {
        let _ = writeln!(rows, "<tr><td><a href=\"{path}\">{path}</a><td>{says}<td>");
    }
    let (program, version) = (site.settings.program, site.settings.version);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{program}</title>\n\
         <style>body{{font:16px/1.5 system-ui;margin:2rem}}td,th{{padding:.2rem 1rem .2rem 0;text-align:left}}</style>\n\
         <h1>{program} {version}</h1>\n<table><tr><th>page<th>what it says<th>parameters\n{rows}</table>\n"
    )
}
