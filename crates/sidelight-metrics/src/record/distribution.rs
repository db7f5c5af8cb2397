//! A histogram's numbers.

use super::{
    exemplars::Exemplars,
    slab::{self, Place, Reading},
};
use crate::model::{Layout, Scale, Table};

/// The sum of the values, and behind it a histogram's slots. The count is the sum of the slots, so a reading is never torn
/// between the two; only the sum of the values can be ahead or behind by what is being recorded at that moment.
#[derive(Debug)]
pub struct Distribution {
    table: &'static Table,
    place: Place,
    pub(crate) layout: &'static Layout,
    pub(crate) exemplars: Exemplars,
}

impl Distribution {
    /// Takes a place. Lives for ever, as its series does.
    pub(super) fn new(scale: Scale) -> &'static Self {
        let layout = scale.layout();
        let place = Place::take(1 + layout.slots());
        Box::leak(Box::new(Self { table: &layout.table, place, layout, exemplars: Exemplars::default() }))
    }

    /// Whether there was a place left.
    pub(super) fn has_place(&self) -> bool {
        self.place != Place::NONE
    }

    /// Records a value. A NaN has no place in any bucket and is not recorded.
    #[inline]
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        let slot = 1 + self.table.slot(value);
        match (slab::mine(self.place), slab::mine(self.place.after(slot))) {
            (Some(sum), Some(slot)) => {
                slab::grow(slot, 1);
                slab::grow_float(sum, value);
            }
            _ => self.change_slowly(slot, 1, value),
        }
    }

    /// Records a value `times` times.
    pub fn observe_many(&self, value: f64, times: u64) {
        #[allow(clippy::cast_precision_loss)] // a count beyond 2^53 at once is no measurement
        let sum = value * times as f64;
        if !value.is_nan() && times > 0 {
            self.change_slowly(1 + self.table.slot(value), times, sum);
        }
    }

    #[cold]
    #[inline(never)]
    fn change_slowly(&self, slot: usize, times: u64, sum: f64) {
        slab::change(self.place, 1 + self.layout.slots(), &mut |slots| {
            slab::grow(&slots[slot], times);
            slab::grow_float(&slots[0], sum);
        });
    }

    /// The counts of all slots, into `slots`, and the sum of the values.
    pub(crate) fn read(&self, reading: &Reading, slots: &mut Vec<u64>) -> f64 {
        slots.clear();
        slots.resize(self.layout.slots(), 0);
        reading.sums(self.place, slots)
    }
}
