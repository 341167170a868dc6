//! Traces: spans of OpenTelemetry, sent to a collector by OTLP over HTTP.
//!
//! Work that may begin a trace asks [`samples`] first and makes its span with the field `otel.kind` only if
//! the trace is recorded; spans of `tracing` below it, at level `info` or above, belong to the trace. All
//! other spans cost what they cost without a collector. Stages that work on batches record one span for each
//! event by [`record`], below the span that its `traceparent` names. Attributes are ids, numbers and names:
//! never texts, tokens or addresses. Without a collector every function here does nothing.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use axum::http::{Request, Response};
use bytes::Bytes;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Handle;
use tracing::Metadata;
use tracing::Span;
use tracing::subscriber::Interest;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::DynFilterFn;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use super::sampler::TraceSampler;

/// Time limit of one request to the collector, and of the last one when the process ends.
const EXPORT_LIMIT: Duration = Duration::from_secs(5);
const END_LIMIT: Duration = Duration::from_secs(2);
/// Crates whose spans are recorded.
const TARGETS: [&str; 2] = ["colloquy", "store"];

/// The field that only the first span of a process in a trace has.
const ENTRY_FIELD: &str = "otel.kind";

static TRACING: OnceLock<Tracing> = OnceLock::new();

#[derive(Debug)]
struct Tracing {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    sampler: TraceSampler,
}

/// The layer that makes spans of `tracing` part of traces; `None` without a collector. Called in a runtime,
/// which sends the spans.
pub(super) fn layer(
    endpoint: Option<&str>,
    headers: Option<&SecretString>,
    sampler: TraceSampler,
) -> anyhow::Result<Option<Box<dyn Layer<Registry> + Send + Sync>>> {
    let Some(endpoint) = endpoint else { return Ok(None) };
    let client = Client {
        http: reqwest::Client::builder().timeout(EXPORT_LIMIT).build()?,
        runtime: Handle::current(),
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_headers(headers.map(parse_headers).unwrap_or_default())
        .with_timeout(EXPORT_LIMIT)
        .build()
        .context("traces cannot be exported")?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        // Whether a trace is recorded is decided before its first span is made.
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_resource(
            Resource::builder_empty()
                .with_service_name("colloquy")
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build(),
        )
        .build();
    let tracer = provider.tracer("colloquy");
    let _ = TRACING.set(Tracing { tracer: tracer.clone(), provider, sampler });
    Ok(Some(spans(tracer)))
}

fn spans<S>(tracer: SdkTracer) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(DynFilterFn::new(recorded::<S>).with_callsite_filter(interest))
        .boxed()
}

/// Whether a span belongs to a trace that is recorded: it is the first one, or below another one.
fn recorded<S>(metadata: &Metadata<'_>, context: &tracing_subscriber::layer::Context<'_, S>) -> bool
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    is_of_ours(metadata) && (is_entry(metadata) || context.lookup_current().is_some())
}

fn interest(metadata: &'static Metadata<'static>) -> Interest {
    match (is_of_ours(metadata), is_entry(metadata)) {
        (false, _) => Interest::never(),
        (true, true) => Interest::always(),
        (true, false) => Interest::sometimes(),
    }
}

fn is_of_ours(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target().split("::").next();
    metadata.is_span()
        && *metadata.level() <= tracing::Level::INFO
        && TARGETS.iter().any(|ours| target == Some(ours))
}

fn is_entry(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field(ENTRY_FIELD).is_some()
}

/// Sends the last spans.
pub(super) fn end() {
    if let Some(Tracing { provider, .. }) = TRACING.get() {
        let _ = provider.shutdown_with_timeout(END_LIMIT);
    }
}

/// Whether there is a collector.
pub fn is_on() -> bool {
    TRACING.get().is_some()
}

/// Whether a trace is recorded here: one that was begun elsewhere as its `traceparent` says, a new one by the
/// configured share and rate. Asked once for each trace, before its first span.
pub fn samples(traceparent: Option<&str>) -> bool {
    let Some(Tracing { sampler, .. }) = TRACING.get() else { return false };
    match traceparent.and_then(parse) {
        Some(parent) => parent.is_sampled(),
        None => sampler.begins(),
    }
}

/// Makes a span the child of the one that a `traceparent` names. To be called before the span is entered.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent.filter(|_| is_on()).and_then(parse) {
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// The `traceparent` of a span, for messages and events that it leads to; `None` without a collector.
pub fn traceparent_of(span: &Span) -> Option<String> {
    if !is_on() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| {
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8() & 1)
    })
}

/// Sets an attribute of a span that is known only at its end.
pub fn set(span: &Span, name: &'static str, value: impl Into<opentelemetry::Value>) {
    if is_on() {
        span.set_attribute(name, value);
    }
}

/// Marks a span as failed.
pub fn fail(span: &Span) {
    if is_on() {
        span.set_status(Status::error(""));
    }
}

/// A span that has ended.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The name of the span.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The `traceparent` of its parent.
    pub parent: Option<&'a str>,
    /// The time of its begin.
    pub began: SystemTime,
    /// Whether what it stands for failed.
    pub failed: bool,
}

/// The kind of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work in the process.
    Internal,
    /// A request to another service.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is received.
    Consumer,
}

/// Records a span from its begin until now. Does nothing where the trace is not sampled.
pub fn record(span: Ended<'_>, attributes: impl IntoIterator<Item = (&'static str, opentelemetry::Value)>) {
    let Some(Tracing { tracer, .. }) = TRACING.get() else { return };
    let Some(parent) = span.parent.and_then(parse).filter(SpanContext::is_sampled) else { return };
    let attributes = attributes.into_iter().map(|(name, value)| KeyValue::new(name, value));
    let kind = match span.kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    };
    let builder = SpanBuilder::from_name(span.name)
        .with_kind(kind)
        .with_start_time(span.began)
        .with_attributes(attributes);
    let mut recorded = tracer.build_with_context(builder, &Context::new().with_remote_span_context(parent));
    if span.failed {
        recorded.set_status(Status::error(""));
    }
    recorded.end();
}

/// The span that a valid `traceparent` names.
fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut fields = traceparent.split('-');
    let (_version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

/// `name=value` pairs, separated by commas.
fn parse_headers(headers: &SecretString) -> HashMap<String, String> {
    let pairs = headers.expose_secret().split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Sends spans by the runtime of the process. The exporter has a thread of its own, which waits here.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Client {
    fn send_bytes<'this, 'sending>(&'this self, request: Request<Bytes>) -> Sending<'sending>
    where
        'this: 'sending,
        Self: 'sending,
    {
        Box::pin(async move {
            let (http, request) = (self.http.clone(), reqwest::Request::try_from(request)?);
            let sending = self.runtime.spawn(async move {
                let response = http.execute(request).await?;
                let status = response.status();
                Ok::<_, reqwest::Error>((status, response.bytes().await?))
            });
            let (status, body) = sending.await??;
            let mut response = Response::new(body);
            *response.status_mut() = status;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_names_a_span_and_invalid_ones_name_none() {
        let context = parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert!(context.is_sampled() && context.is_remote());
        for invalid in ["", "00-0af7651916cd43dd8448eb211c80319c", "00-0-0-01", "nonsense"] {
            assert_eq!(parse(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn headers_are_pairs_separated_by_commas() {
        let headers = parse_headers(&"authorization=Bearer abc, x-team = a".into());
        assert_eq!(headers["authorization"], "Bearer abc");
        assert_eq!(headers["x-team"], "a");
    }
}
