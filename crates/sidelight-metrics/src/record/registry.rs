//! The registry of all series, in the order in which they are shown. A series enters once, when it is first used, and its line
//! is made ready then. Whoever enters waits for no scrape: new entries lie in a tray, which the next scrape puts in order.

use super::{
    level::Level,
    slab::Reading,
    snapshot::{Reader, Series, Source},
};
use crate::model::{Kind, Name, wire};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

/// All series of one name, ready to be written: lines lie side by side in their order, so a scrape reads memory once and
/// forwards.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
    lines: String,
    wires: Vec<u8>,
    places: Vec<Position>,
    new: Vec<New>,
}

/// Where a series' line and labels end; they begin where those before it end.
#[derive(Debug)]
struct Position {
    line: usize,
    wire: usize,
    source: Source,
    began: SystemTime,
}

/// A series that has not been put in order yet.
#[derive(Debug)]
struct New {
    line: String,
    wire: Vec<u8>,
    source: Source,
    began: SystemTime,
}

/// What is said of a name before, or without, its first use.
#[derive(Clone, Debug)]
pub struct Description {
    /// The help text, as it was given.
    pub help: String,
    /// What it measures.
    pub kind: Kind,
    /// Whether it was said to be a duration.
    pub is_seconds: bool,
}

static TRAY: Mutex<Vec<(Name, Source, SystemTime)>> = Mutex::new(Vec::new());
static FAMILIES: LazyLock<Mutex<Families>> = LazyLock::new(Mutex::default);
static DESCRIPTIONS: LazyLock<Mutex<BTreeMap<String, Description>>> = LazyLock::new(Mutex::default);
// counts that say nothing of other memory: `Relaxed`; what they count lies behind locks
static COUNT: AtomicI64 = AtomicI64::new(0);
static CONFLICTS: AtomicU64 = AtomicU64::new(0);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enters a series.
pub(crate) fn enter(name: Name, source: Source) {
    COUNT.fetch_add(1, Relaxed);
    lock(&TRAY).push((name, source, SystemTime::now()));
}

/// Enters a fact about the process: a gauge that stands at 1, whose labels say it.
pub fn enter_fact(name: Name) {
    enter(name, Source::Fact(1.0));
}

/// Enters a gauge that is no whole number.
pub(crate) fn enter_level(name: Name) -> Arc<Level> {
    let level = Arc::new(Level::new());
    enter(name, Source::Level(Arc::clone(&level)));
    level
}

/// How many series there are.
#[must_use]
pub fn series() -> i64 {
    COUNT.load(Relaxed)
}

/// Series that were left out because another of the same name measures something else, or has the same labels.
#[must_use]
pub fn conflicts() -> u64 {
    CONFLICTS.load(Relaxed)
}

/// Keeps what is said of a name; the first one who says it is right.
pub(crate) fn describe(name: String, description: Description) {
    let mut descriptions = lock(&DESCRIPTIONS);
    if descriptions.len() < DESCRIPTIONS_MAX {
        descriptions.entry(name).or_insert(description);
    }
}

/// More than anybody describes.
const DESCRIPTIONS_MAX: usize = 10_000;

/// Whether a name was said to be a duration.
pub(crate) fn is_seconds(name: &str) -> bool {
    lock(&DESCRIPTIONS).get(name).is_some_and(|it| it.is_seconds)
}

/// Everything that was described, by its name as the page has it.
#[must_use]
pub fn descriptions() -> BTreeMap<String, Description> {
    lock(&DESCRIPTIONS).clone()
}

/// Reads the registry: each family that is asked for, in the order of names, with one reading of all numbers.
pub(crate) fn read(wanted: &dyn Fn(&Family) -> bool, mut each: impl FnMut(&Family, &mut Reader)) {
    let mut all = lock(&FAMILIES);
    let tray = std::mem::take(&mut *lock(&TRAY));
    for (name, source, began) in tray {
        all.put(name, source, began);
    }
    for family in all.families.values_mut().filter(|family| !family.new.is_empty()) {
        family.put_in_order();
    }
    let mut reader = Reader::new(Reading::begin());
    all.families.values().filter(|family| wanted(family)).for_each(|family| each(family, &mut reader));
}

/// All families, and the names that they have taken.
#[derive(Debug, Default)]
struct Families {
    families: BTreeMap<String, Family>,
    taken: HashSet<String>,
}

impl Families {
    fn put(&mut self, name: Name, source: Source, began: SystemTime) {
        let body = name.body();
        let line = match (name.kind, body.is_empty()) {
            (Kind::Histogram, _) => body,
            (_, true) => format!("{} ", name.family),
            (_, false) => format!("{}{{{body}}} ", name.family),
        };
        let new = New { line, wire: wire::labels(&name.labels), source, began };
        if !self.families.contains_key(&name.family) && !self.take_names(&name.family, name.kind) {
            return left_out(1);
        }
        let Name { family, help, kind, .. } = name;
        let place = self.families.entry(family.clone()).or_insert_with(|| Family::new(family, help, kind));
        if place.kind == kind {
            place.new.push(new);
        } else {
            left_out(1);
        }
    }

    /// A family's samples have names of their own, which no other family may have: a page with both cannot be read.
    fn take_names(&mut self, family: &str, kind: Kind) -> bool {
        let endings: &[&str] = if kind == Kind::Histogram { &["", "_bucket", "_sum", "_count"] } else { &[""] };
        let mut names: Vec<String> = endings.iter().map(|ending| format!("{family}{ending}")).collect();
        if kind == Kind::Counter {
            names.extend(family.strip_suffix("_total").map(str::to_owned)); // as OpenMetrics calls it
        }
        let is_free = names.iter().all(|name| !self.taken.contains(name));
        if is_free {
            self.taken.extend(names);
        }
        is_free
    }
}

fn left_out(series: usize) {
    CONFLICTS.fetch_add(series as u64, Relaxed);
    COUNT.fetch_sub(i64::try_from(series).unwrap_or_default(), Relaxed);
}

impl Family {
    fn new(name: String, mut help: String, kind: Kind) -> Self {
        if help.is_empty() {
            let described = lock(&DESCRIPTIONS).get(&name).map(|it| it.help.clone()).unwrap_or_default();
            help = metrics_exporter_prometheus::formatting::sanitize_description(&described);
        }
        Self { name, help, kind, lines: String::new(), wires: Vec::new(), places: Vec::new(), new: Vec::new() }
    }

    /// The unit that its name ends with, as the formats ask for it.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        let name = if self.kind == Kind::Counter { self.name.strip_suffix("_total")? } else { &self.name };
        UNITS.into_iter().find(|unit| name.strip_suffix(unit).is_some_and(|it| it.ends_with('_')))
    }

    /// Lends every series with its number, by its line.
    pub(crate) fn each(&self, reader: &mut Reader, mut each: impl FnMut(&Series<'_>)) {
        for (line, wire, Position { source, began, .. }) in self.positions() {
            each(&Series { line, wire, number: reader.read(source), began: *began });
        }
    }

    fn positions(&self) -> impl Iterator<Item = (&str, &[u8], &Position)> {
        let (mut line, mut wire) = (0, 0);
        self.places.iter().map(move |end| {
            let series = (&self.lines[line..end.line], &self.wires[wire..end.wire], end);
            (line, wire) = (end.line, end.wire);
            series
        })
    }

    /// Puts new series among the others. Of several with the same labels, which would spoil the page, the first to come
    /// stays.
    fn put_in_order(&mut self) {
        let known = self.positions().map(|(line, wire, Position { source, began, .. })| New {
            line: line.into(),
            wire: wire.into(),
            source: source.clone(),
            began: *began,
        });
        let mut all: Vec<New> = known.collect();
        all.append(&mut self.new);
        all.sort_by(|one, other| one.line.cmp(&other.line));
        let before = all.len();
        all.dedup_by(|later, earlier| later.line == earlier.line);
        left_out(before - all.len());
        self.lines.clear();
        self.wires.clear();
        self.places.clear();
        for New { line, wire, source, began } in all {
            self.lines.push_str(&line);
            self.wires.extend_from_slice(&wire);
            self.places.push(Position { line: self.lines.len(), wire: self.wires.len(), source, began });
        }
    }
}

/// Units that a name may end with.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];
