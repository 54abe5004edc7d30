//! How much of a change one call carries out; `Engine::reroute_some` does the rest.

/// How many flows are processed again within the call that changed something.
pub const AT_ONCE: usize = 64;

/// How many refused flows are examined for each that a step may act on.
pub const ROWS: usize = 16;
