//! The encoder of pprof's `profile.proto` (<https://github.com/google/pprof/blob/main/proto/profile.proto>), with what
//! the strict readers ask: `""` is string 0, and the ids of mappings, functions and locations are 1 to n in order.

use crate::profile::{CpuProfile, Function, Stack};
use flate2::{Compression, write::GzEncoder};
use std::{collections::HashMap, hash::Hash, io::Write as _, time::UNIX_EPOCH};

impl CpuProfile {
    /// A gzipped `profile.proto`: `samples/count` and `cpu/nanoseconds`, functions resolved, threads as labels.
    #[must_use]
    pub fn proto(&self) -> Vec<u8> {
        encode(self)
    }
}

fn encode(profile: &CpuProfile) -> Vec<u8> {
    let mut tables = Tables::default();
    tables.strings.place(String::new());
    let mut message = Message::default();
    for (kind, unit) in [("samples", "count"), ("cpu", "nanoseconds")] {
        message.message(1, &tables.value_type(kind, unit));
    }
    let period = 1_000_000_000 / u64::from(profile.frequency.max(1));
    for stack in &profile.stacks {
        message.message(2, &tables.sample(stack, period));
    }
    let mut mapping = Message::default();
    mapping.number(1, 1);
    mapping.number(5, tables.string(&program()));
    mapping.number(7, 1); // has_functions: nobody need ask for symbols
    mapping.number(8, 1); // has_filenames
    mapping.number(9, 1); // has_line_numbers
    message.message(3, &mapping);
    for location in tables.locations.in_order() {
        message.message(4, &location);
    }
    for function in tables.functions.in_order() {
        message.message(5, &function);
    }
    let period_type = tables.value_type("cpu", "nanoseconds");
    for text in tables.strings.in_order() {
        message.bytes(6, text.as_bytes());
    }
    let since = profile.start.duration_since(UNIX_EPOCH).unwrap_or_default();
    message.number(9, u64::try_from(since.as_nanos()).unwrap_or(0));
    message.number(10, u64::try_from(profile.duration.as_nanos()).unwrap_or(u64::MAX));
    message.message(11, &period_type);
    message.number(12, period);
    gzip(&message.0)
}

fn program() -> String {
    let path = std::env::current_exe();
    path.map_or_else(|_| "unknown".to_owned(), |path| path.display().to_string())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let packed = gzip.write_all(bytes).and_then(|()| gzip.finish());
    packed.expect("a Vec takes everything")
}

/// What is written once and referred to by number.
#[derive(Default)]
struct Tables {
    strings: Table<String, String>,
    functions: Table<(String, String), Message>,
    locations: Table<Vec<Function>, Message>,
}

impl Tables {
    fn string(&mut self, text: &str) -> u64 {
        self.strings.place(text.to_owned())
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> Message {
        let mut message = Message::default();
        message.number(1, self.string(kind));
        message.number(2, self.string(unit));
        message
    }

    fn sample(&mut self, stack: &Stack, period: u64) -> Message {
        let locations: Vec<u64> = stack.frames.iter().map(|frame| self.location(frame)).collect();
        let mut label = Message::default();
        label.number(1, self.string("thread"));
        label.number(2, self.string(&stack.thread));
        let mut message = Message::default();
        message.packed(1, &locations);
        message.packed(2, &[stack.samples, stack.samples * period]);
        message.message(3, &label);
        message
    }

    fn location(&mut self, frame: &[Function]) -> u64 {
        if let Some(known) = self.locations.places.get(frame) {
            return known + 1;
        }
        let mut message = Message::default();
        let id = self.locations.written.len() as u64 + 1;
        message.number(1, id);
        message.number(2, 1);
        for function in frame {
            let mut line = Message::default();
            line.number(1, self.function(function));
            line.number(2, u64::from(function.line));
            message.message(4, &line);
        }
        self.locations.put(frame.to_vec(), message) + 1
    }

    fn function(&mut self, function: &Function) -> u64 {
        let key = (function.name.clone(), function.file.clone());
        if let Some(known) = self.functions.places.get(&key) {
            return known + 1;
        }
        let mut message = Message::default();
        message.number(1, self.functions.written.len() as u64 + 1);
        message.number(2, self.string(&function.name));
        message.number(3, self.string(&function.name));
        message.number(4, self.string(&function.file));
        self.functions.put(key, message) + 1
    }
}

/// Things in the order of their first use.
struct Table<K, V> {
    places: HashMap<K, u64>,
    written: Vec<V>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { places: HashMap::new(), written: Vec::new() }
    }
}

impl<K: Hash + Eq, V> Table<K, V> {
    fn put(&mut self, key: K, value: V) -> u64 {
        let place = self.written.len() as u64;
        self.places.insert(key, place);
        self.written.push(value);
        place
    }
    fn in_order(&mut self) -> Vec<V> {
        std::mem::take(&mut self.written)
    }
}

impl Table<String, String> {
    fn place(&mut self, text: String) -> u64 {
        match self.places.get(&text) {
            Some(known) => *known,
            None => self.put(text.clone(), text),
        }
    }
}

/// A protobuf message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }
    fn number(&mut self, field: u64, number: u64) {
        if number != 0 {
            self.varint(field << 3);
            self.varint(number);
        }
    }
    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint((field << 3) | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
    fn message(&mut self, field: u64, message: &Self) {
        self.bytes(field, &message.0);
    }
    fn packed(&mut self, field: u64, numbers: &[u64]) {
        let mut packed = Self::default();
        for number in numbers {
            packed.varint(*number);
        }
        self.message(field, &packed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Read as _,
        time::{Duration, SystemTime},
    };

    fn function(name: &str) -> Function {
        Function { name: name.into(), file: "src/a.rs".into(), line: 7 }
    }

    /// The fields of a message: number, and either the varint or the bytes.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        fn varint(bytes: &mut &[u8]) -> u64 {
            let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
            let (head, rest) = bytes.split_at(end + 1);
            *bytes = rest;
            head.iter().rev().fold(0, |number, byte| (number << 7) | u64::from(byte & 0x7f))
        }
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let number = varint(&mut bytes);
            let length = if tag & 7 == 2 { usize::try_from(number).unwrap() } else { 0 };
            let (body, rest) = bytes.split_at(length);
            bytes = rest;
            found.push((tag >> 3, number, body.to_vec()));
        }
        found
    }

    #[test]
    fn strings_begin_with_the_empty_one_and_ids_run_from_one_without_a_gap() {
        let stack = |leaf| Stack {
            thread: "worker".into(),
            frames: vec![vec![function(leaf), function("inlined_into")], vec![function("main")]],
            samples: 3,
        };
        let (start, duration) = (SystemTime::now(), Duration::from_secs(1));
        let profile = CpuProfile { stacks: vec![stack("a"), stack("b")], start, duration, frequency: 100 };
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&*profile.proto()).read_to_end(&mut bytes).unwrap();
        let all = fields(&bytes);
        let of = |field: u64| all.iter().filter(move |it| it.0 == field).map(|it| it.2.clone());
        let ids = |field| of(field).map(|message| fields(&message)[0].1).collect::<Vec<_>>();
        assert_eq!(of(6).next(), Some(Vec::new()), "string 0 is empty");
        assert_eq!((ids(3), ids(4), ids(5)), (vec![1], vec![1, 2, 3], vec![1, 2, 3, 4]));
        let first = fields(&of(2).next().unwrap());
        assert_eq!(first[0].2, [1, 2], "leaf first");
        assert_eq!(first[1].2, [&[3][..], &[0x80, 0x87, 0xa7, 0x0e]].concat(), "3 samples of 10 ms");
    }
}
