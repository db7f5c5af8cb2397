//! A server of one's own, observed: one tool that does its work by every means that a task can leave its thread. `work http`
//! serves at a free port and says where on standard error; `work stdio` serves standard input and output.
//!
//! Its traces show that all of it stays together: `plan` is a span of `tracing`'s own, the steps are operations. Settings are
//! those that this example needs; a real program reads more.

use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities, ServerConfig},
    service::RequestContext,
    transport::{
        StreamableHttpServerConfig,
        async_rw::AsyncRwTransport,
        streamable_http_server::{StreamableHttpService, session::local::LocalSessionManager},
    },
};
use sidelight::{
    Context, InContext as _, LogFormat, Operation, Output, Profiling, Propagators, Settings, catalog, labels,
    tracing::note,
};
use sidelight_rmcp::{Observed, ObservedTransport, Tool};
use std::{convert::Infallible, env, error::Error, sync::Arc, time::Duration};
use tokio::task::{JoinSet, spawn_blocking};

labels! {
    /// How a step came to its thread.
    pub enum How = "how" {
        /// It was asked and awaited.
        Asked = "asked",
        /// As a task of its own.
        Spawned = "spawned",
        /// On a thread that may block.
        Blocking = "blocking",
        /// Among other tasks.
        Joined = "joined",
    }
}

catalog! {
    /// One step of the work.
    pub STEP: Operation<How> = "work.step";
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let _running = sidelight::start(&settings(), &[CATALOG, sidelight_rmcp::CATALOG])?;
    Tool::intern(["work"]);
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["http"] => http().await,
        ["stdio"] => {
            let (input, output) = rmcp::transport::stdio_pipes();
            let transport = ObservedTransport::new(AsyncRwTransport::new(input, output));
            let client = Box::pin(Observed::new(Work).serve(transport)).await?;
            client.waiting().await?;
            Ok(())
        }
        _ => Err("say `http` or `stdio`".into()),
    }
}

fn settings() -> Settings {
    Settings {
        service_name: "work".to_owned(),
        version: "0".to_owned(),
        commit: "unknown".to_owned(),
        environment: "test".to_owned(),
        resource: Vec::new(),
        log_filter: env::var("RUST_LOG").unwrap_or_else(|_| "info,rmcp=warn".to_owned()),
        log_format: LogFormat::Json,
        log_output: Output::Stderr,
        sample_rate: 1.0,
        export: env::var("OTEL_EXPORTER_OTLP_ENDPOINT").is_ok(),
        propagators: Propagators::default(),
        profiling: Profiling::Off,
        created: false,
    }
}

/// Until SIGTERM, so that what was traced is sent.
async fn http() -> Result<(), Box<dyn Error>> {
    let service = StreamableHttpService::new(
        || Ok(Observed::new(Work)),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("work http://{}/mcp", listener.local_addr()?);
    let mut told = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, axum::Router::new().route_service("/mcp", service)) => Ok(served?),
        _ = told.recv() => Ok(()),
    }
}

/// The handler.
#[derive(Clone)]
struct Work;

impl ServerHandler for Work {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let job = arguments.get("job").and_then(serde_json::Value::as_str);
        let Some(job) = job.map(str::to_owned).filter(|_| request.name == "work") else {
            return Err(ErrorData::invalid_params("the tool `work` takes a word: {\"job\": \"NAME\"}", None));
        };
        work(&job).await;
        Ok(CallToolResult::success(vec![ContentBlock::text(job)]).into())
    }

    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

/// Each step notes and logs the job that it is for: none may be in another's trace.
async fn work(job: &str) {
    assert!(job != "panic", "as it was asked");
    plan(job).await;
    let spawned = tokio::spawn(step(How::Spawned, job.to_owned()).in_current_context());
    let (context, own) = (Context::current(), job.to_owned());
    let blocking = spawn_blocking(move || context.run(|| step_here(&own)));
    let mut joined = JoinSet::new();
    for _ in 0..2 {
        joined.spawn(step(How::Joined, job.to_owned()).in_current_context());
    }
    let _ = tokio::join!(spawned, blocking, joined.join_all());
}

/// A span that knows nothing of Sidelight.
#[tracing::instrument(fields(job = job))]
async fn plan(job: &str) {
    step(How::Asked, job.to_owned()).await;
}

async fn step(how: How, job: String) {
    let Ok(()) = STEP
        .observe(how, async {
            note("job", job.as_str());
            tokio::time::sleep(Duration::from_millis(2)).await;
            sidelight::info!("a step", job = job.as_str());
            Ok::<_, Infallible>(())
        })
        .await;
}

fn step_here(job: &str) {
    let Ok(()) = STEP.run(How::Blocking, || {
        note("job", job);
        std::thread::sleep(Duration::from_millis(2));
        sidelight::info!("a step", job = job);
        Ok::<_, Infallible>(())
    });
}
