//! Labels: closed enums, or names interned at start-up. Nothing else can become a series.

/// One label: a closed set of values.
pub trait Label: Copy + Send + Sync + 'static {
    /// The OpenTelemetry attribute name.
    const KEY: &'static str;
    /// How many positions there are.
    const CARDINALITY: usize;
    /// Whether every value is known when the program is compiled.
    const IS_CLOSED: bool;
    /// The position of this value, below `CARDINALITY`.
    fn index(self) -> usize;
    /// The value at a position; `None` where the position is not taken. The empty value means that the
    /// label is left out.
    fn value(index: usize) -> Option<&'static str>;
}

/// Zero, one, or several labels.
pub trait Labels: Copy + Send + Sync + 'static {
    /// The attribute names, in order.
    const KEYS: &'static [&'static str];
    /// The product of the cardinalities.
    const CARDINALITY: usize;
    /// Whether every combination is known when the program is compiled.
    const IS_CLOSED: bool;
    /// The position of this combination, below `CARDINALITY`.
    fn index(self) -> usize;
    /// The values of the combination at a position, in the order of `KEYS`.
    fn values(index: usize) -> Option<Vec<&'static str>>;
}

impl Labels for () {
    const KEYS: &'static [&'static str] = &[];
    const CARDINALITY: usize = 1;
    const IS_CLOSED: bool = true;
    #[inline]
    fn index(self) -> usize {
        0
    }
    fn values(_: usize) -> Option<Vec<&'static str>> {
        Some(Vec::new())
    }
}

impl<A: Label> Labels for A {
    const KEYS: &'static [&'static str] = &[A::KEY];
    const CARDINALITY: usize = A::CARDINALITY;
    const IS_CLOSED: bool = A::IS_CLOSED;
    #[inline]
    fn index(self) -> usize {
        Label::index(self)
    }
    fn values(index: usize) -> Option<Vec<&'static str>> {
        A::value(index).map(|value| vec![value])
    }
}

macro_rules! tuples {
    ($(($first:ident $(, $rest:ident)*);)*) => {$(
        impl<$first: Label $(, $rest: Label)*> Labels for ($first, $($rest,)*) {
            const KEYS: &'static [&'static str] = &[$first::KEY $(, $rest::KEY)*];
            const CARDINALITY: usize = $first::CARDINALITY $(* $rest::CARDINALITY)*;
            const IS_CLOSED: bool = $first::IS_CLOSED $(&& $rest::IS_CLOSED)*;
            #[inline]
            #[allow(non_snake_case)] // the type's name is the binding's name
            fn index(self) -> usize {
                let ($first, $($rest,)*) = self;
                let index = Label::index($first);
                $(let index = index * $rest::CARDINALITY + Label::index($rest);)*
                index
            }
            fn values(index: usize) -> Option<Vec<&'static str>> {
                let sizes = [$first::CARDINALITY $(, $rest::CARDINALITY)*];
                let read: &[fn(usize) -> Option<&'static str>] = &[$first::value $(, $rest::value)*];
                let mut index = index;
                let mut values = Vec::with_capacity(sizes.len());
                for (size, read) in sizes.iter().zip(read).rev() {
                    values.push(read(index % size)?);
                    index /= size;
                }
                values.reverse();
                Some(values)
            }
        }
    )*};
}
tuples! { (A); (A, B); (A, B, C); (A, B, C, D); }
