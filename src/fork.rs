//! Whether this process is a forked child of the router.

/// Whether this is a forked child: MGM lives in its parent (spec 8.7).
#[must_use]
pub fn is_child() -> bool {
    false
}
