//! What the control group of the process allows and uses: versions 2 and 1, of Linux. Where there is none, or no limit is
//! set, there is no series. The names begin with `cgroup`, so that nobody adds them to those of a node's own agent
//! (`container_...`), which are of the same memory.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn describe() {
    describe_gauge!(MEMORY_LIMIT, "Memory that the control group may use, in bytes.");
    describe_gauge!(MEMORY_USAGE, "Memory that the control group uses, its file cache included, in bytes.");
    describe_gauge!(CPU_LIMIT, "CPUs that the control group may use.");
    describe_counter!(PERIODS, "Periods in which the control group wanted more CPU time than it may have.");
}

const MEMORY_LIMIT: &str = "cgroup_memory_limit_bytes";
const MEMORY_USAGE: &str = "cgroup_memory_usage_bytes";
const CPU_LIMIT: &str = "cgroup_cpu_limit";
const PERIODS: &str = "cgroup_cpu_throttled_periods_total";

pub(crate) fn collect() {
    let limits =
        Limits::read(Path::new("/sys/fs/cgroup"), &fs::read_to_string("/proc/self/cgroup").unwrap_or_default());
    #[allow(clippy::cast_precision_loss)] // bytes of memory are below 2^53
    let set = |name: &'static str, bytes: Option<u64>| bytes.into_iter().for_each(|it| gauge!(name).set(it as f64));
    set(MEMORY_LIMIT, limits.memory);
    set(MEMORY_USAGE, limits.memory_used);
    limits.cpus.into_iter().for_each(|cpus| gauge!(CPU_LIMIT).set(cpus));
    limits.throttled.into_iter().for_each(|periods| counter!(PERIODS).absolute(periods));
}

#[derive(Debug, Default, PartialEq)]
struct Limits {
    memory: Option<u64>,
    memory_used: Option<u64>,
    cpus: Option<f64>,
    throttled: Option<u64>,
}

impl Limits {
    fn read(root: &Path, own: &str) -> Self {
        let (memory, cpu) = (Group::of(root, own, "memory"), Group::of(root, own, "cpu"));
        let quota = cpu.quota();
        Self {
            memory: memory.number(&["memory.max", "memory.limit_in_bytes"]).filter(|bytes| *bytes < NO_LIMIT),
            memory_used: memory.number(&["memory.current", "memory.usage_in_bytes"]),
            cpus: quota.map(|(quota, period)| quota / period),
            throttled: quota.and_then(|_| cpu.throttled()),
        }
    }
}

/// The folder of a group's files.
struct Group(PathBuf);

impl Group {
    /// Version 2 has one line, `0::/path`; version 1 has one for each controller. In a container the path is that of the
    /// outside: there the group's files are at the top.
    fn of(root: &Path, own: &str, controller: &str) -> Self {
        let path = |wanted: &dyn Fn(&str) -> bool| {
            let mut lines = own.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
            lines.find(|(controllers, _)| wanted(controllers)).map(|(_, path)| path.trim_start_matches('/'))
        };
        let first = path(&|controllers| controllers.split(',').any(|it| it == controller));
        let (top, own) = match first {
            Some(own) => (root.join(controller), own),
            None => (root.to_owned(), path(&str::is_empty).unwrap_or_default()),
        };
        let inner = top.join(own);
        Self(if own.is_empty() || !inner.is_dir() { top } else { inner })
    }

    fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.0.join(file)).ok()
    }

    fn number(&self, files: &[&str]) -> Option<u64> {
        files.iter().find_map(|file| self.text(file)?.trim().parse().ok())
    }

    /// CPU time that may be used in each period: both in microseconds.
    fn quota(&self) -> Option<(f64, f64)> {
        let (quota, period) = match self.text("cpu.max") {
            Some(both) => {
                let (quota, period) = both.trim().split_once(' ')?;
                (quota.to_owned(), period.to_owned())
            }
            None => (self.text("cpu.cfs_quota_us")?, self.text("cpu.cfs_period_us")?),
        };
        let (quota, period) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
        (quota > 0.0 && period > 0.0).then_some((quota, period))
    }

    fn throttled(&self) -> Option<u64> {
        self.text("cpu.stat")?.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.trim().parse().ok())
    }
}

/// Version 1 writes a number near 2^63 where nothing is limited.
const NO_LIMIT: u64 = 1 << 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn version_2_is_read_from_the_own_group() {
        let root = files(&[
            ("a/b/memory.max", "1048576\n"),
            ("a/b/memory.current", "4096\n"),
            ("a/b/cpu.max", "150000 100000\n"),
            ("a/b/cpu.stat", "usage_usec 5\nnr_throttled 7\n"),
        ]);
        let wanted = Limits { memory: Some(1_048_576), memory_used: Some(4096), cpus: Some(1.5), throttled: Some(7) };
        assert_eq!(Limits::read(root.path(), "0::/a/b\n"), wanted);
    }

    #[test]
    fn in_a_container_the_own_group_is_at_the_top_and_no_limit_is_no_number() {
        let root = files(&[("memory.max", "max\n"), ("memory.current", "1\n"), ("cpu.max", "max 100000\n")]);
        let wanted = Limits { memory_used: Some(1), ..Limits::default() };
        assert_eq!(Limits::read(root.path(), "0::/kubepods/x\n"), wanted);
    }

    #[test]
    fn version_1_has_a_folder_for_each_controller() {
        let root = files(&[
            ("memory/memory.limit_in_bytes", "9223372036854771712"),
            ("memory/memory.usage_in_bytes", "8"),
            ("cpu/cpu.cfs_quota_us", "-1"),
            ("cpu/cpu.cfs_period_us", "100000"),
        ]);
        let own = "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n";
        assert_eq!(Limits::read(root.path(), own), Limits { memory_used: Some(8), ..Limits::default() });
    }

    #[test]
    fn where_there_is_nothing_there_is_no_number() {
        assert_eq!(Limits::read(Path::new("/nowhere"), ""), Limits::default());
    }
}
