#![doc = include_str!("../README.md")]

mod attributes;
mod caller;
mod message;
mod metrics;
mod record;
mod refused;
mod reply;
mod seam;
pub mod session;
mod size;
mod slot;
mod transport;

use metrics::Method;
pub use metrics::{CATALOG, Fault, Tool};
pub use reply::TIMED_OUT;
#[expect(deprecated)] // older revisions still have it, and it is forwarded while rmcp has it
use rmcp::model::SetLevelRequestParams;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, CancelledNotificationParam,
        CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult, DiscoverResult,
        GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams, GetSkillResult, GetTaskParams, GetTaskResult,
        InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListSkillsResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
        ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
        ReadResourceResponse, ServerConfig, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
        UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use seam::Seam;
pub use slot::RequestSlot;
use std::borrow::Cow;
pub use transport::ObservedTransport;

/// A handler whose requests are observed. It answers as the handler itself would, and adds the correlation id to the
/// results' `_meta`.
#[derive(Clone, Debug)]
pub struct Observed<H> {
    inner: H,
}

/// Observes a call of a tool that does not come from a client: a program may call its own tools. It is record and timed as
/// a client's call is, and belongs to whatever request is current.
///
/// # Errors
/// Those of the call.
pub async fn direct_call(
    tool: &str,
    call: impl Future<Output = Result<CallToolResult, ErrorData>>,
) -> Result<CallToolResult, ErrorData> {
    seam::direct(Method::ToolsCall, Tool::named(tool), call).await
}

impl<H> Observed<H> {
    /// Wraps a handler.
    pub fn new(inner: H) -> Self {
        Self { inner }
    }
}

macro_rules! requests {
    ($($method:ident($($argument:ident: $type:ty)?) -> $reply:ty = $label:ident;)*) => {$(
        async fn $method(&self, $($argument: $type,)? context: RequestContext<RoleServer>) -> Result<$reply, ErrorData> {
            let seam = Seam::reaches(Method::$label, Tool::none(), &context);
            seam::run(seam, context.ct.clone(), async move { self.inner.$method($($argument,)? context).await }).await
        }
    )*};
}

macro_rules! notifications {
    ($($method:ident($($argument:ident: $type:ty)?);)*) => {$(
        async fn $method(&self, $($argument: $type,)? context: NotificationContext<RoleServer>) {
            self.inner.$method($($argument,)? context).await;
        }
    )*};
}

// Each method is forwarded by name: one that a later rmcp adds must not silently take its default.
#[deny(clippy::missing_trait_methods)]
#[expect(deprecated)] // as above, for the methods
impl<H: ServerHandler> ServerHandler for Observed<H> {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let seam = Seam::reaches(Method::ToolsCall, Tool::named(&request.name), &context);
        seam::run(seam, context.ct.clone(), async move { self.inner.call_tool(request, context).await }).await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let seam = Seam::reaches(Method::PromptsGet, Tool::none(), &context);
        let seam = seam.map(|seam| seam.about("gen_ai.prompt.name", &request.name));
        seam::run(seam, context.ct.clone(), async move { self.inner.get_prompt(request, context).await }).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let seam = Seam::reaches(Method::ResourcesRead, Tool::none(), &context);
        let seam = seam.map(|seam| seam.about("mcp.resource.uri", &request.uri));
        seam::run(seam, context.ct.clone(), async move { self.inner.read_resource(request, context).await }).await
    }

    /// Also a request of a known method whose parameters are not that method's.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = Method::of_word(&request.method).unwrap_or(Method::Other);
        let seam = Seam::reaches(method, Tool::none(), &context);
        seam::run(seam, context.ct.clone(), async move { self.inner.on_custom_request(request, context).await }).await
    }

    requests! {
        ping() -> () = Ping;
        initialize(request: InitializeRequestParams) -> InitializeResult = Initialize;
        discover() -> DiscoverResult = Discover;
        complete(request: CompleteRequestParams) -> CompleteResult = Complete;
        set_level(request: SetLevelRequestParams) -> () = SetLevel;
        list_prompts(request: Option<PaginatedRequestParams>) -> ListPromptsResult = PromptsList;
        list_resources(request: Option<PaginatedRequestParams>) -> ListResourcesResult = ResourcesList;
        list_resource_templates(request: Option<PaginatedRequestParams>) -> ListResourceTemplatesResult = TemplatesList;
        subscribe(request: SubscribeRequestParams) -> () = Subscribe;
        unsubscribe(request: UnsubscribeRequestParams) -> () = Unsubscribe;
        list_tools(request: Option<PaginatedRequestParams>) -> ListToolsResult = ToolsList;
        get_task(request: GetTaskParams) -> GetTaskResult = TasksGet;
        update_task(request: UpdateTaskParams) -> () = TasksUpdate;
        cancel_task(request: CancelTaskParams) -> () = TasksCancel;
        list_skills(request: Option<PaginatedRequestParams>) -> ListSkillsResult = SkillsList;
        get_skill(request: GetSkillRequestParams) -> GetSkillResult = SkillsGet;
        read_resource_directory(request: ReadResourceDirectoryRequestParams) -> ReadResourceDirectoryResult = DirectoryRead;
    }

    notifications! {
        on_cancelled(note: CancelledNotificationParam);
        on_progress(note: ProgressNotificationParam);
        on_initialized();
        on_roots_list_changed();
        on_custom_notification(note: CustomNotification);
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
        self.inner.negotiate_initialize(request)
    }
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.inner.supported_protocol_versions()
    }
    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.inner.accepted_subscription_filter(requested)
    }
    /// Record and not timed while it lasts, which is as long as its client likes.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let seam = Seam::reaches(Method::Listen, Tool::none(), context.request_context());
        seam::run_untimed(seam, async move { self.inner.listen(context).await }).await
    }
    fn get_tool(&self, name: &str) -> Option<rmcp::model::Tool> {
        self.inner.get_tool(name)
    }
    fn get_info(&self) -> ServerConfig {
        self.inner.get_info()
    }
}
