//! What settings mean together. Flags stand for the environment here: tests run side by side in one process.

use super::*;
use clap::{CommandFactory as _, Parser as _};

fn parse(flags: &[&str]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from([&["mcp"], flags].concat())
}

fn config(flags: &[&str]) -> Result<Config, String> {
    let arguments = parse(flags).map_err(|error| error.to_string())?;
    Config::check(arguments, Otel::read(&|_| None))
}

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn the_public_listener_is_one_setting_or_a_host_and_a_port() {
    let address = |flags: &[&str]| config(flags).unwrap().mcp_address.to_string();
    assert_eq!(address(&["--mcp-addr", "127.0.0.1:7", "--mcp-port", "9"]), "127.0.0.1:7");
    assert_eq!(address(&["--mcp-port", "9", "--port", "8"]), "127.0.0.1:9");
    assert_eq!(address(&["--mcp-host", "0.0.0.0", "--port", "8"]), "0.0.0.0:8");
    assert_eq!(address(&["--mcp-host", "::1", "--port", "8"]), "[::1]:8");
}

#[test]
fn the_admin_port_is_on_by_default_where_there_is_one_and_off_with_stdio() {
    let admin = |flags: &[&str]| config(flags).unwrap().admin.map(|admin| admin.address.to_string());
    let built = sidelight_admin::COMPILED.then(|| "127.0.0.1:8080".to_owned());
    assert_eq!(admin(&[]), built);
    assert_eq!(admin(&["--admin-addr", "off"]), None);
    assert_eq!(admin(&["stdio"]), None);
    assert_eq!(admin(&["stdio", "--admin-addr", "127.0.0.1:9"]).as_deref(), Some("127.0.0.1:9"));
}

#[test]
fn profiling_is_on_by_default_on_a_loopback_admin_address_only() {
    let profiling = |flags: &[&str]| config(flags).unwrap().kit.profiling;
    assert_eq!(profiling(&["--admin-addr", "127.0.0.1:9"]), Profiling::CpuAndHeap);
    assert_eq!(profiling(&["--admin-addr", "0.0.0.0:9", "--admin-token", "t"]), Profiling::Off);
    assert_eq!(profiling(&["--admin-addr", "off"]), Profiling::Off);
}

#[test]
fn profiles_that_this_build_cannot_take_are_refused_by_the_name_of_the_feature() {
    match config(&["--enable-profiling", "cpu"]) {
        Ok(config) => assert!(sidelight::profiling::COMPILED && config.kit.profiling == Profiling::Cpu),
        Err(why) => assert!(!sidelight::profiling::COMPILED && why.contains("feature `profiling`"), "{why}"),
    }
    assert_eq!(config(&["--enable-profiling", "false"]).unwrap().kit.profiling, Profiling::Off);
}

#[test]
fn tracing_takes_its_own_rate_before_the_standard_one_before_the_default() {
    let rate = |flags: &[&str], sampler: &'static str| {
        let read = move |name: &str| (name == "OTEL_TRACES_SAMPLER").then(|| sampler.to_owned());
        Config::check(parse(flags).unwrap(), Otel::read(&read)).unwrap().kit.sample_rate
    };
    assert!((rate(&["--otel-trace-sample-rate", "0.5"], "always_on") - 0.5).abs() < f64::EPSILON);
    assert!((rate(&[], "always_on") - 1.0).abs() < f64::EPSILON);
    assert!((rate(&[], "") - 0.01).abs() < f64::EPSILON);
}

#[test]
fn tracing_lines_go_to_stderr_where_stdout_is_the_protocol() {
    let output = |flags: &[&str]| config(flags).unwrap().kit.log_output;
    assert_eq!(output(&[]), Output::Stdout);
    assert_eq!(output(&["stdio"]), Output::Stderr);
}

#[test]
fn a_bad_value_is_refused_with_its_name_itself_and_what_is_allowed() {
    for (flag, value, words) in [
        ("--mcp-addr", "nowhere", "MCP_ADDR takes HOST:PORT"),
        ("--otel-trace-sample-rate", "plenty", "from 0 to 1"),
        ("--enable-profiling", "perhaps", "true (CPU and heap), cpu or false"),
        ("--database-url", "mysql", "sqlite://PATH"),
        ("--docs-path", "/no/such/folder", "DOCS_PATH takes a folder"),
        ("--mcp-port", "70000", "65535"),
    ] {
        let why = config(&[flag, value]).unwrap_err();
        assert!(why.contains(value) && why.contains(words), "{why}");
    }
}

#[test]
fn a_token_comes_from_a_file_or_from_the_environment_and_not_from_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "s3cret\n").unwrap();
    let file = file.to_str().unwrap();
    let at = ["--admin-addr", "127.0.0.1:9", "--admin-token-file"];
    let with = |more: &[&str]| config(&[&at[..], more].concat());
    assert_eq!(with(&[file]).unwrap().admin.unwrap().token.as_deref(), Some("s3cret"));
    assert!(with(&[file, "--admin-token", "t"]).unwrap_err().contains("one of them"));
    assert!(with(&["/no/such/file"]).unwrap_err().contains("/no/such/file"));
}
