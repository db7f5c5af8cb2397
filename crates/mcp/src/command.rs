//! The commands of the program, as they stand on its command line.

use clap::{Subcommand, ValueEnum};

/// What the program shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve over HTTP (also without a command).
    Serve,
    /// Serve one client over standard input and output.
    Stdio,
    /// Bring the store up to date with the documents.
    Ingest {
        /// Go on, and do it again whenever a document changes
        #[arg(long)]
        watch: bool,
    },
    /// Print every series that this build can show.
    Catalog {
        /// A table for people, or for programs
        #[arg(long, value_enum, default_value_t = Format::Markdown, ignore_case = true)]
        format: Format,
    },
}

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Markdown,
    /// For programs.
    Json,
}
