//! Lists that waste little room.

/// Inserts into a list that grows by an eighth, because lists are many and memory is bounded.
pub(super) fn insert<T>(list: &mut Vec<T>, at: usize, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 1);
    }
    list.insert(at, item);
}
