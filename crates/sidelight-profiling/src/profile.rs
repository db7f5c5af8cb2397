//! A CPU profile when it is finished: stacks, and how often each was seen. Takes none.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

/// A function in a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// A stack that was seen, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) thread: String,
    /// Leaf first. Each entry is one address: the innermost inlined function first.
    pub(crate) frames: Vec<Vec<Function>>,
    pub(crate) samples: u64,
}

/// A finished profile.
#[derive(Debug)]
pub struct CpuProfile {
    pub(crate) stacks: Vec<Stack>,
    pub(crate) start: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) frequency: u32,
}

impl CpuProfile {
    /// One line a stack, root first: `thread;outer;inner 12`. What flame graph tools read.
    #[must_use]
    pub fn collapsed(&self) -> String {
        let mut lines: HashMap<String, u64> = HashMap::new();
        for stack in &self.stacks {
            let functions = stack.frames.iter().rev().flat_map(|frame| frame.iter().rev());
            let names = functions.map(|function| function.name.replace(';', ":"));
            let line = [stack.thread.replace(';', ":")].into_iter().chain(names);
            *lines.entry(line.collect::<Vec<_>>().join(";")).or_default() += stack.samples;
        }
        let mut lines: Vec<_> = lines.into_iter().map(|(line, samples)| format!("{line} {samples}\n")).collect();
        lines.sort_unstable();
        lines.concat()
    }
}
