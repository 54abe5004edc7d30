//! Long lists are divided into pages. So no answer takes much memory, and the router is not
//! interrupted for long.

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// The page begins after this entry, even if the entry no longer exists. `None` for the first
    /// page.
    pub after: Option<K>,
    /// How many entries the page has at most.
    pub limit: usize,
}

impl<K> Page<K> {
    /// How many entries a page has if the request does not say.
    pub const DEFAULT_LIMIT: usize = 1_000;
    /// How many entries a request may ask for.
    pub const MAX_LIMIT: usize = 10_000;
}

impl<K> Default for Page<K> {
    /// The first page.
    fn default() -> Page<K> {
        Page { after: None, limit: Page::<K>::DEFAULT_LIMIT }
    }
}

/// Collects the entries of a page until it is full.
///
/// A page is full when it has `limit` entries, or when its entries have together
/// [`PageBuilder::MAX_PARTS`] parts, such as the sources and hosts of groups.
#[derive(Debug)]
pub struct PageBuilder<T> {
    entries: Vec<T>,
    limit: usize,
    parts: usize,
    full: bool,
}

impl<T> PageBuilder<T> {
    /// The maximum number of parts of all entries of a page, unless its first entry alone has
    /// more. It bounds the memory of a page to some 2 MB.
    pub const MAX_PARTS: usize = 10_000;

    /// An empty page.
    #[must_use]
    pub fn new(limit: usize) -> PageBuilder<T> {
        PageBuilder { entries: Vec::new(), limit: limit.max(1), parts: 0, full: false }
    }

    /// Whether the next entry does not fit, so that the caller can stop before it makes one.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full || self.entries.len() >= self.limit
    }

    /// Adds an entry that has this many parts. Returns false if it does not fit. The caller then
    /// stops, and the next page begins with this entry.
    pub fn push(&mut self, entry: T, parts: usize) -> bool {
        let many = self.parts + parts > Self::MAX_PARTS && !self.entries.is_empty();
        self.full |= many;
        if self.is_full() {
            self.full = true;
            return false;
        }
        self.parts += parts;
        self.entries.push(entry);
        true
    }

    /// The entries, and whether there are more, because the last `push` did not
    /// fit.
    #[must_use]
    pub fn finish(self) -> (Vec<T>, bool) {
        (self.entries, self.full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit: usize, parts: &[usize]) -> (Vec<usize>, bool) {
        let mut page = PageBuilder::new(limit);
        for parts in parts {
            if !page.push(*parts, *parts) {
                break;
            }
        }
        page.finish()
    }

    #[test]
    fn a_page_ends_at_the_limit_and_says_whether_there_are_more() {
        assert_eq!(filled(2, &[1]), (vec![1], false));
        assert_eq!(filled(2, &[1, 1]), (vec![1, 1], false));
        assert_eq!(filled(2, &[1, 1, 1]), (vec![1, 1], true));
        assert_eq!(filled(2, &[]), (vec![], false));
    }

    #[test]
    fn large_entries_end_a_page_early_but_never_leave_it_empty() {
        assert_eq!(filled(100, &[6_000, 4_000, 1]), (vec![6_000, 4_000], true));
        assert_eq!(filled(100, &[20_000, 1]), (vec![20_000], true));
    }
}
