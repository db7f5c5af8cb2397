//! All connections to the public listener: at most so many. When there is no room for another, one is closed that does nothing
//! or is slow: whoever asks and reads its answer is never closed for somebody else. Knows no bytes.

use crate::{
    connection::{Connection, Phase, closed},
    metrics::{CONNECTIONS, ConnectionEnd},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The connections of this process. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    all: Arc<Mutex<All>>,
    room: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct All {
    next: u64,
    connections: HashMap<u64, Connection>,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Self {
        Self { all: Arc::default(), room: Arc::new(Semaphore::new(most)) }
    }

    /// Room for one more, which may be made by closing another; waits where every one is at work.
    pub(crate) async fn room(&self) -> Room {
        loop {
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                return Room(room);
            }
            self.make_room();
            let again = tokio::time::timeout(AGAIN, Arc::clone(&self.room).acquire_owned()).await;
            if let Ok(Ok(room)) = again {
                return Room(room);
            }
        }
    }

    /// Somebody has come into the room.
    pub(crate) fn enter(&self, connection: &Connection, room: Room) -> Place {
        CONNECTIONS.add((), 1);
        let mut all = self.all();
        let number = all.next;
        all.next += 1;
        all.connections.insert(number, connection.clone());
        Place { crowd: self.clone(), number, _room: room }
    }

    /// Closes those that only hold up the end: that have not asked yet, or have been refused.
    pub(crate) fn dismiss(&self) {
        for connection in self.all().connections.values() {
            if matches!(connection.phase().0, Phase::Fresh | Phase::Head | Phase::Lingering) {
                connection.evict();
            }
        }
    }

    fn make_room(&self) {
        let now = Instant::now();
        let all = self.all();
        let candidates = all.connections.values().filter(|it| !it.is_evicted()).filter_map(|connection| {
            let (phase, since) = connection.phase();
            Some((rank(phase, now.saturating_duration_since(since))?, since, connection))
        });
        let chosen = candidates.min_by_key(|(rank, since, _)| (*rank, *since));
        if let Some((_, _, connection)) = chosen {
            connection.evict();
            closed(ConnectionEnd::Crowded);
        }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who makes room first, among those that may.
fn rank(phase: Phase, lasted: Duration) -> Option<u8> {
    match phase {
        Phase::Lingering => Some(0),
        Phase::Head if lasted > SLOW => Some(0),
        Phase::Fresh if lasted > SLOW => Some(1),
        Phase::Kept if lasted > YOUNG => Some(2),
        Phase::Stalled if lasted > SLOW => Some(3),
        Phase::Sending if lasted > SLOW => Some(4),
        // many at once may fill the room before any of them is slow
        Phase::Head | Phase::Fresh if lasted > YOUNG => Some(5),
        Phase::Sending | Phase::Stalled if lasted > YOUNG => Some(6),
        _ => None,
    }
}

/// Room for one.
#[derive(Debug)]
pub(crate) struct Room(#[allow(dead_code)] OwnedSemaphorePermit); // held for its `Drop`

/// One connection in the crowd and in the gauge.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Crowd,
    number: u64,
    _room: Room,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.all().connections.remove(&self.number);
        CONNECTIONS.add((), -1);
    }
}

/// Whoever makes a server wait for less is not slow.
const SLOW: Duration = Duration::from_secs(1);
/// Whoever has come, or been answered, within this time may be just about to say something.
const YOUNG: Duration = Duration::from_millis(30);
/// How long one that was told to close has, before another is told.
const AGAIN: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    async fn entered(crowd: &Crowd, phase: Phase) -> (Connection, Place) {
        let connection = Connection::new();
        connection.enter(phase);
        let place = crowd.enter(&connection, crowd.room().await);
        (connection, place)
    }

    async fn is_told(connection: &Connection) -> bool {
        tokio::time::timeout(Duration::ZERO, connection.evicted()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_and_the_slow_make_room_and_never_one_that_is_at_work() {
        let crowd = Crowd::new(5);
        let phases = [Phase::Sending, Phase::Kept, Phase::Fresh, Phase::Head, Phase::Working];
        let mut all = Vec::new();
        for phase in phases {
            all.push(entered(&crowd, phase).await);
        }
        tokio::time::advance(SLOW * 2).await;
        for wanted in [3, 2, 1, 0] {
            crowd.make_room();
            let told = [
                is_told(&all[0].0).await,
                is_told(&all[1].0).await,
                is_told(&all[2].0).await,
                is_told(&all[3].0).await,
            ];
            assert!(told[wanted], "{wanted}: {told:?}");
            assert_eq!(told.iter().filter(|it| **it).count(), 4 - wanted);
        }
        crowd.make_room();
        assert!(!is_told(&all[4].0).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_has_just_come_is_not_the_one_to_make_room() {
        let crowd = Crowd::new(2);
        let (slow, _place) = entered(&crowd, Phase::Sending).await;
        tokio::time::advance(SLOW * 2).await;
        let (fresh, _place) = entered(&crowd, Phase::Fresh).await;
        crowd.make_room();
        assert_eq!((is_told(&slow).await, is_told(&fresh).await), (true, false));
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_made_for_whoever_comes() {
        let crowd = Crowd::new(1);
        let (first, place) = entered(&crowd, Phase::Kept).await;
        let coming = tokio::spawn({
            let crowd = crowd.clone();
            async move { drop(crowd.room().await) }
        });
        first.evicted().await;
        drop(place);
        coming.await.unwrap();
    }
}
