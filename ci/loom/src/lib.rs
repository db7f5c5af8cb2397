//! The product's own `shared.rs`, with loom's locks in place of the standard library's. Checks that whatever
//! order threads run in, a value ends exactly once, with everything that its holders did, and that nothing of one use is
//! seen in the next.

#[allow(dead_code)] // the product uses more of it
#[path = "../../../crates/sidelight-tracing/src/request/shared.rs"]
mod shared;

mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

#[cfg(test)]
mod tests {
    use crate::{
        shared::{Ends, Shared, Unique},
        sync::Mutex,
    };
    use loom::thread;
    use std::mem;

    /// What a request is to the product: records, and where its arena goes when it has ended.
    struct Use {
        records: Vec<u32>,
        house: &'static House,
    }

    impl Ends for Use {
        fn end(&mut self) -> impl FnOnce(Unique<Self>) + use<> {
            let (records, house) = (mem::take(&mut self.records), self.house);
            move |place| {
                house.ended.lock().unwrap().push(records);
                house.free.lock().unwrap().push(place);
            }
        }
    }

    struct House {
        ended: Mutex<Vec<Vec<u32>>>,
        free: Mutex<Vec<Unique<Use>>>,
    }

    impl House {
        fn new() -> &'static Self {
            Box::leak(Box::new(Self { ended: Mutex::new(Vec::new()), free: Mutex::new(Vec::new()) }))
        }

        fn begin(&'static self) -> Shared<Use> {
            Unique::new(Use { records: Vec::new(), house: self }).hold(|_| ())
        }

        /// What each use ended with, in their order.
        fn ended(&self) -> Vec<Vec<u32>> {
            let mut ended = mem::take(&mut *self.ended.lock().unwrap());
            ended.iter_mut().for_each(|records| records.sort_unstable());
            ended
        }
    }

    fn record(holder: &Shared<Use>, number: u32) {
        holder.value().records.push(number);
    }

    #[test]
    fn a_value_ends_once_with_all_that_its_holders_did() {
        loom::model(|| {
            let house = House::new();
            let root = house.begin();
            let tasks = [1, 2].map(|number| {
                let holder = root.clone();
                thread::spawn(move || holder.end(|it| it.records.push(number)))
            });
            drop(root);
            for task in tasks {
                task.join().unwrap();
            }
            assert_eq!(house.ended(), [[1, 2]]);
        });
    }

    #[test]
    fn nothing_of_one_use_is_in_the_next() {
        loom::model(|| {
            let house = House::new();
            let root = house.begin();
            let holder = root.clone();
            let task = thread::spawn(move || record(&holder, 1));
            record(&root, 2);
            drop(root);
            let free = house.free.lock().unwrap().pop(); // as soon as it is there, while the task may still be letting go
            let is_used_again = free.is_some();
            if let Some(free) = free {
                drop(free.hold(|it| it.records.push(3)));
            }
            task.join().unwrap();
            let wanted: &[&[u32]] = if is_used_again { &[&[1, 2], &[3]] } else { &[&[1, 2]] };
            assert_eq!(house.ended(), wanted);
        });
    }
}
