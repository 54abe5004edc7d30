//! The configuration with which the client of each slot is registered.

#![deny(unsafe_code)] // the callbacks are in the parent module

use super::declarations::Config;
use super::{
    creation, disable_igmp, enable_igmp, join_alert, local_join, local_leave, prune, rpf, wrong_if,
};
use crate::callbacks::{Events, MAX_CLIENTS};

/// The configuration of the client in a slot, with these callbacks.
fn config<const SLOT: usize>(events: Events) -> Config {
    let has = |event| events.contains(event);
    Config {
        dwCallbackFlags: 0,
        pfnRpfCallback: has(Events::RPF).then_some(rpf::<SLOT>),
        pfnCreationAlertCallback: has(Events::CREATION_ALERT).then_some(creation::<SLOT>),
        pfnPruneAlertCallback: has(Events::PRUNE_ALERT).then_some(prune::<SLOT>),
        pfnJoinAlertCallback: has(Events::JOIN_ALERT).then_some(join_alert::<SLOT>),
        pfnWrongIfCallback: has(Events::WRONG_IF).then_some(wrong_if::<SLOT>),
        pfnLocalJoinCallback: has(Events::LOCAL_JOIN).then_some(local_join::<SLOT>),
        pfnLocalLeaveCallback: has(Events::LOCAL_LEAVE).then_some(local_leave::<SLOT>),
        pfnDisableIgmpCallback: has(Events::DISABLE_IGMP).then_some(disable_igmp::<SLOT>),
        pfnEnableIgmpCallback: has(Events::ENABLE_IGMP).then_some(enable_igmp::<SLOT>),
    }
}

macro_rules! configs {
    ($($slot:literal)*) => { [$(config::<$slot>),*] };
}

/// The function that makes each slot's configuration.
pub static CONFIGS: [fn(Events) -> Config; MAX_CLIENTS] = configs!(
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
);
