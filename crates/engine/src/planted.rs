//! Bugs to order, so that a test can show that the reference model
//! (crates/engine/tests/model) finds them. They exist only in a build with
//! `RUSTFLAGS="--cfg mgm_planted"`, which scripts/check-planted makes; there
//! each thread says which one its engines shall have.

/// A place where the engine can be made to err.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// When the last component leaves, nobody is told (spec 4.4).
    LastLeaveUnheard,
    /// An oif that was switched off stays off when its owner joins (spec 3.5).
    VetoOutlivesJoin,
    /// Any RPF answer counts, also one to a question that is void (spec 5.4).
    StaleRpfAnswer,
    /// The iif's owner is told of what it did itself (spec 5.8).
    CauserTold,
    /// A CREATION answer beats the JOIN that was made meanwhile (spec 3.5).
    AnswerBeatsJoin,
    /// A time-out begins a life, but what the kernel had counted before it
    /// counts for that life as well (spec 5.6).
    FormerLifeCounts,
}

#[cfg(mgm_planted)]
mod on {
    use super::Bug;
    use std::cell::Cell;

    impl Bug {
        /// All that there are.
        pub const ALL: [Bug; 6] = [
            Bug::LastLeaveUnheard,
            Bug::VetoOutlivesJoin,
            Bug::StaleRpfAnswer,
            Bug::CauserTold,
            Bug::AnswerBeatsJoin,
            Bug::FormerLifeCounts,
        ];
    }

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// The bug that this thread's engines have from now on.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub(crate) fn has(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(mgm_planted)]
pub(super) use on::has;
#[cfg(mgm_planted)]
pub use on::plant;

/// Never, in a library that is used.
#[cfg(not(mgm_planted))]
pub(super) const fn has(_: Bug) -> bool {
    false
}
