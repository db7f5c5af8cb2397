//! A pipe that nobody reads, a disk that is full, and an end that comes suddenly.

use super::*;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A pipe that nobody reads: it takes nothing until the test lets go.
struct Blocked(Receiver<()>, Sender<Vec<u8>>);

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv(); // an error when the test has let go
        let _ = self.1.send(bytes.to_vec());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

// one test: all writers of a process count together
#[test]
fn what_is_not_written_is_counted_and_told_and_holds_up_nobody() {
    let (release, wait) = channel();
    let (wrote, written) = channel();
    let told = "dropped ";
    let writer =
        Writer::start(Box::new(Blocked(wait, wrote)), Box::new(move |lines| format!("{told}{lines}\n").into_bytes()));
    let writer = writer.unwrap();
    let line = "x".repeat(1023) + "\n";
    let sent = 3 * WAITING_BYTES_MAX / line.len();
    (0..sent).for_each(|_| writer.line(line.as_bytes(), false));
    let [lost, failed] = dropped();
    assert!(lost > 0 && failed == 0, "the buffer is bounded");
    drop(release);
    writer.flush(PATIENCE);
    let text: Vec<u8> = written.try_iter().flatten().collect();
    let text = String::from_utf8(text).unwrap();
    let lost = usize::try_from(lost).unwrap();
    assert_eq!(text.lines().filter(|it| it.starts_with('x')).count() + lost, sent, "no line is lost uncounted");
    assert_eq!(text.matches(&format!("{told}{lost}\n")).count(), 1);

    let writer = Writer::start(Box::new(Full), Box::new(|_| Vec::new())).unwrap();
    (0..3).for_each(|_| writer.line(b"x\n", false));
    writer.flush(PATIENCE);
    assert_eq!(dropped()[1], 3);
}

/// A disk with room for so many bytes, and a moment later for any.
struct Nearly(usize, Sender<Vec<u8>>);

impl Write for Nearly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.0);
        if count == 0 {
            self.0 = usize::MAX;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= count;
        self.1.send(bytes[..count].to_vec()).unwrap();
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_that_was_broken_off_spoils_no_other() {
    let (wrote, written) = channel();
    let to = Box::new(Nearly(5, wrote));
    let mut far =
        Far { shared: Arc::default(), to, is_mid_line: false, report: Box::new(|_| vec![]), reported: 0, said: None };
    let lost: Vec<&[u8]> = [&b"one\ntwo\nthree\n"[..], b"four\n", b"five\n"].map(|lines| far.put(lines)).to_vec();
    assert_eq!(lost, [&b"wo\nthree\n"[..], b"", b""]);
    drop(far);
    let text: Vec<u8> = written.iter().flatten().collect();
    assert_eq!(String::from_utf8(text).unwrap(), "one\nt\nfour\nfive\n");
}

#[test]
fn a_flush_of_a_blocked_pipe_gives_up_in_time() {
    let (_held, wait) = channel();
    let writer = Writer::start(Box::new(Blocked(wait, channel().0)), Box::new(|_| Vec::new())).unwrap();
    writer.line(b"x\n", false);
    let started = Instant::now();
    writer.flush(Duration::from_millis(50));
    assert!(started.elapsed() < PATIENCE);
}
