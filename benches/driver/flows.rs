//! The flows that fill the tables, and their orders.

/// A source and a group, in the machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub source: u32,
    pub group: u32,
}

const FIRST_GROUP: u32 = 0xE100_0000; // 225.0.0.0
const FIRST_SOURCE: u32 = 0x0A00_0001; // 10.0.0.1

/// The number of sources if there is a group for each flow.
const SOURCES: usize = 1000;

impl Flow {
    /// A number that is ordered as MFEs are retrieved.
    pub fn key(self) -> u64 {
        u64::from(self.group) << 32 | u64::from(self.source)
    }

    /// Flow number `i` of any number.
    pub fn beyond(i: usize) -> Flow {
        Flow {
            source: FIRST_SOURCE + (i % SOURCES) as u32,
            group: FIRST_GROUP + (1 << 24) + i as u32,
        }
    }
}

/// The group number `i`.
pub fn group(i: usize) -> u32 {
    FIRST_GROUP + i as u32
}

/// The source number `i`.
pub fn source(i: usize) -> u32 {
    FIRST_SOURCE + i as u32
}

/// `size` flows over `groups` groups, ascending by group and source.
pub fn ascending(size: usize, groups: usize) -> Vec<Flow> {
    let groups = groups.min(size);
    let each = size.div_ceil(groups);
    (0..size)
        .map(|i| {
            let (group_number, number) = (i / each, i % each);
            let number = if each == 1 { i % SOURCES } else { number };
            Flow { source: source(number), group: group(group_number) }
        })
        .collect()
}

/// Shuffles a list. The order is the same for the same seed.
pub fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = Random(seed);
    for i in (1..items.len()).rev() {
        items.swap(i, random.below(i + 1));
    }
}

/// SplitMix64: random enough to shuffle, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * end as u128) >> 64) as usize
    }
}
