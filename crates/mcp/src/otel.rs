//! The standard `OTEL_*` variables that this program reads itself
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>). An empty value means unset, and a
//! bad one is a warning and is ignored, as that specification asks: they are shared by whole clusters.

use percent_encoding::percent_decode_str;
use sidelight::Propagators;

/// Gives a variable's value.
pub(crate) type Read<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What they say.
#[derive(Debug, PartialEq)]
pub(crate) struct Otel {
    pub(crate) service_name: Option<String>,
    /// Where it runs.
    pub(crate) environment: Option<String>,
    /// Everything that is said of it, decoded.
    pub(crate) resource: Vec<(String, String)>,
    /// The share of requests to trace.
    pub(crate) sample_rate: Option<f64>,
    /// Whether there is somebody to export to.
    pub(crate) export: bool,
    /// How a trace goes from one process to the next.
    pub(crate) propagators: Propagators,
    /// What was ignored, and why.
    pub(crate) warnings: Vec<String>,
}

impl Otel {
    pub(crate) fn read(read: Read<'_>) -> Self {
        let get = |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut warnings = Vec::new();
        let sample_rate = sample_rate(&get, &mut warnings);
        let disabled = which(&get, "OTEL_SDK_DISABLED", ["false", "true"], &mut warnings);
        let exporter = which(&get, "OTEL_TRACES_EXPORTER", ["otlp", "none"], &mut warnings);
        let endpoint = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| get("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let export = endpoint.is_some() && disabled != Some("true") && exporter != Some("none");
        let protocol = get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| get("OTEL_EXPORTER_OTLP_PROTOCOL"));
        if let Some(protocol) = protocol.filter(|protocol| export && protocol != "http/protobuf") {
            warnings.push(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL={protocol:?} is not spoken here; http/protobuf is, on port 4318 as a rule"
            ));
        }
        for name in NOT_HONOURED.into_iter().filter(|name| export && get(name).is_some()) {
            warnings.push(format!("{name} is set, and is not honoured here"));
        }
        let propagators = propagators(&get, &mut warnings);
        let attributes = attributes(&get, &mut warnings);
        let attribute = |name| attributes.iter().find_map(|(known, value)| (known == name).then(|| value.clone()));
        let attribute = |name| attribute(name).filter(|value| !value.is_empty());
        let environment = attribute("deployment.environment.name");
        let service_name = get("OTEL_SERVICE_NAME").or_else(|| attribute("service.name"));
        Self { service_name, environment, resource: attributes, sample_rate, export, propagators, warnings }
    }
}

/// Which of the known values it is.
fn which(
    get: &dyn Fn(&str) -> Option<String>,
    name: &str,
    known: [&'static str; 2],
    warnings: &mut Vec<String>,
) -> Option<&'static str> {
    let value = get(name)?;
    let found = known.into_iter().find(|known| value.eq_ignore_ascii_case(known));
    if found.is_none() {
        let [one, other] = known;
        warnings.push(format!("{name}={value:?} is not known here, and is ignored; known are {one} and {other}"));
    }
    found
}

/// `key=value`, separated by commas, percent-encoded.
fn attributes(get: &dyn Fn(&str) -> Option<String>, warnings: &mut Vec<String>) -> Vec<(String, String)> {
    let text = get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let pair = |part: &str| {
        let (key, value) = part.split_once('=')?;
        let decoded = |text: &str| Some(percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned());
        Some((decoded(key)?, decoded(value)?)).filter(|(key, _)| !key.is_empty())
    };
    let mut pairs = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match pair(part) {
            Some(pair) => pairs.push(pair),
            None => {
                warnings.push(format!("OTEL_RESOURCE_ATTRIBUTES has {part:?}, which is no key=value, and is ignored"));
            }
        }
    }
    pairs
}

fn sample_rate(get: &dyn Fn(&str) -> Option<String>, warnings: &mut Vec<String>) -> Option<f64> {
    let sampler = get("OTEL_TRACES_SAMPLER")?;
    match sampler.as_str() {
        "always_on" | "parentbased_always_on" => Some(1.0),
        "always_off" | "parentbased_always_off" => Some(0.0),
        "traceidratio" | "parentbased_traceidratio" => Some(ratio(get, warnings)),
        _ => {
            warnings.push(format!("OTEL_TRACES_SAMPLER={sampler:?} is no sampler that is known here, and is ignored"));
            None
        }
    }
}

/// What a collector with certificates of its own would need.
const NOT_HONOURED: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
];

/// Those that carry a trace; `baggage` is accepted, and carries nothing here.
fn propagators(get: &dyn Fn(&str) -> Option<String>, warnings: &mut Vec<String>) -> Propagators {
    let Some(names) = get("OTEL_PROPAGATORS") else { return Propagators::default() };
    let mut propagators = Propagators { tracecontext: false, jaeger: false };
    for name in names.split(',').map(str::trim) {
        match name {
            "tracecontext" => propagators.tracecontext = true,
            "jaeger" => propagators.jaeger = true,
            "baggage" | "none" | "" => {}
            _ => warnings.push(format!(
                "OTEL_PROPAGATORS names {name:?}, which is no propagator that is known here, and is ignored; known are \
                 tracecontext, jaeger, baggage and none"
            )),
        }
    }
    propagators
}

/// The specification's own default is 1.
fn ratio(get: &dyn Fn(&str) -> Option<String>, warnings: &mut Vec<String>) -> f64 {
    let Some(text) = get("OTEL_TRACES_SAMPLER_ARG") else { return 1.0 };
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.unwrap_or_else(|| {
        warnings.push(format!("OTEL_TRACES_SAMPLER_ARG={text:?} is no number from 0 to 1, and is ignored"));
        1.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, &str)]) -> Otel {
        let find = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Otel::read(&find)
    }

    #[test]
    fn tracing_follows_the_standard_samplers() {
        assert_eq!(of(&[]).sample_rate, None);
        assert_eq!(of(&[("OTEL_TRACES_SAMPLER", "parentbased_always_on")]).sample_rate, Some(1.0));
        assert_eq!(of(&[("OTEL_TRACES_SAMPLER", "always_off")]).sample_rate, Some(0.0));
        let ratio = |arg| of(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", arg)]);
        assert_eq!(ratio("0.25").sample_rate, Some(0.25));
        assert_eq!(ratio("").sample_rate, Some(1.0), "empty means unset");
    }

    #[test]
    fn tracing_speaks_the_propagators_that_are_named() {
        let named = |names: &str| of(&[("OTEL_PROPAGATORS", names)]);
        let both = |tracecontext, jaeger| Propagators { tracecontext, jaeger };
        assert_eq!(of(&[]).propagators, both(true, false));
        assert_eq!(named("tracecontext,baggage,jaeger").propagators, both(true, true));
        assert_eq!(named(" jaeger ").propagators, both(false, true));
        assert_eq!(named("none").propagators, both(false, false));
        let unknown = named("tracecontext,b3");
        assert_eq!((unknown.propagators, unknown.warnings.len()), (both(true, false), 1));
    }

    #[test]
    fn tracing_warns_of_a_protocol_that_is_not_spoken() {
        let with = |protocol| {
            of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)])
        };
        assert_eq!((with("grpc").warnings.len(), with("http/protobuf").warnings.len()), (1, 0));
    }

    #[test]
    fn tracing_ignores_bad_standard_values_with_a_warning() {
        let bad = of(&[("OTEL_TRACES_SAMPLER", "sometimes")]);
        assert_eq!((bad.sample_rate, bad.warnings.len()), (None, 1));
        let bad = of(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")]);
        assert_eq!((bad.sample_rate, bad.warnings.len()), (Some(1.0), 1));
    }

    #[test]
    fn tracing_is_of_the_service_that_the_attributes_name_unless_a_variable_does() {
        let attributes =
            ("OTEL_RESOURCE_ATTRIBUTES", "team=x, service.name = my%20shop,deployment.environment.name=prod,");
        let otel = of(&[attributes]);
        assert_eq!((otel.service_name.as_deref(), otel.environment.as_deref()), (Some("my shop"), Some("prod")));
        assert_eq!(otel.resource[0], ("team".to_owned(), "x".to_owned()));
        let encoded = of(&[("OTEL_RESOURCE_ATTRIBUTES", "list=a%2Cb,caf%C3%A9=x%3Dy,k8s.pod.name=mcp-7f9")]);
        let pairs = [("list", "a,b"), ("café", "x=y"), ("k8s.pod.name", "mcp-7f9")];
        assert_eq!(encoded.resource, pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(of(&[attributes, ("OTEL_SERVICE_NAME", "docs")]).service_name.as_deref(), Some("docs"));
        assert_eq!(of(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=")]).service_name, None);
        let bad = of(&[("OTEL_RESOURCE_ATTRIBUTES", "nonsense,service.name=shop")]);
        assert_eq!((bad.service_name.as_deref(), bad.warnings.len(), otel.warnings.len()), (Some("shop"), 1, 0));
    }

    #[test]
    fn tracing_warns_of_switches_that_are_none() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        for (name, value) in [("OTEL_SDK_DISABLED", "yes"), ("OTEL_TRACES_EXPORTER", "zipkin")] {
            let otel = of(&[endpoint, (name, value)]);
            assert!(otel.export && otel.warnings.len() == 1 && otel.warnings[0].contains(value), "{otel:?}");
        }
        let usual = of(&[endpoint, ("OTEL_SDK_DISABLED", "false"), ("OTEL_TRACES_EXPORTER", "otlp")]);
        assert!(usual.export && usual.warnings.is_empty());
    }

    #[test]
    fn tracing_exports_only_to_an_endpoint_and_only_if_nothing_forbids_it() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        assert!(of(&[endpoint]).export);
        assert!(of(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318/v1/traces")]).export);
        assert!(!of(&[]).export && !of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).export);
        assert!(!of(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]).export);
        assert!(!of(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]).export);
    }
}
