//! MGM's own structures.

use super::{
    DWORD, PMGM_CREATION_ALERT_CALLBACK, PMGM_DISABLE_IGMP_CALLBACK, PMGM_ENABLE_IGMP_CALLBACK,
    PMGM_JOIN_ALERT_CALLBACK, PMGM_LOCAL_JOIN_CALLBACK, PMGM_LOCAL_LEAVE_CALLBACK,
    PMGM_PRUNE_ALERT_CALLBACK, PMGM_RPF_CALLBACK, PMGM_WRONG_IF_CALLBACK,
};

/// Record the membership, and change the MFEs that it matches.
pub const MGM_JOIN_STATE_FLAG: DWORD = 1;
/// Record nothing; change the MFEs that are there and match.
pub const MGM_FORWARD_STATE_FLAG: DWORD = 2;
/// The other name that the reference uses for MGM_FORWARD_STATE_FLAG.
pub const MGM_FORWARD_STATE: DWORD = 2;
/// Statistics as MIB_IPMCAST_MFE_STATS.
pub const MGM_MFE_STATS_0: DWORD = 1;
/// Statistics as MIB_IPMCAST_MFE_STATS_EX.
pub const MGM_MFE_STATS_1: DWORD = 2;

/// The callbacks of a client. Any of them may be NULL: it is then skipped.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ROUTING_PROTOCOL_CONFIG {
    /// Reserved, ignored.
    pub dwCallbackFlags: DWORD,
    /// Asks for the incoming interface of a new MFE.
    pub pfnRpfCallback: PMGM_RPF_CALLBACK,
    /// Asks about the outgoing interfaces of a new MFE.
    pub pfnCreationAlertCallback: PMGM_CREATION_ALERT_CALLBACK,
    /// Packets are no longer wanted.
    pub pfnPruneAlertCallback: PMGM_PRUNE_ALERT_CALLBACK,
    /// Packets are wanted.
    pub pfnJoinAlertCallback: PMGM_JOIN_ALERT_CALLBACK,
    /// A packet came in on the wrong interface.
    pub pfnWrongIfCallback: PMGM_WRONG_IF_CALLBACK,
    /// IGMP added a membership on an interface of the client's.
    pub pfnLocalJoinCallback: PMGM_LOCAL_JOIN_CALLBACK,
    /// IGMP deleted one.
    pub pfnLocalLeaveCallback: PMGM_LOCAL_LEAVE_CALLBACK,
    /// For IGMP: an interface is about to change hands.
    pub pfnDisableIgmpCallback: PMGM_DISABLE_IGMP_CALLBACK,
    /// For IGMP: it has changed hands.
    pub pfnEnableIgmpCallback: PMGM_ENABLE_IGMP_CALLBACK,
}
pub type ROUTING_PROTOCOL_CONFIG = _ROUTING_PROTOCOL_CONFIG;
pub type PROUTING_PROTOCOL_CONFIG = *mut ROUTING_PROTOCOL_CONFIG;

/// One entry of a group enumeration.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct _SOURCE_GROUP_ENTRY {
    /// Source, network byte order; 0 for any.
    pub dwSourceAddr: DWORD,
    /// 255.255.255.255, or 0 with source 0.
    pub dwSourceMask: DWORD,
    /// Group, network byte order; 0 for every.
    pub dwGroupAddr: DWORD,
    /// 255.255.255.255, or 0 with group 0.
    pub dwGroupMask: DWORD,
}
pub type SOURCE_GROUP_ENTRY = _SOURCE_GROUP_ENTRY;
pub type PSOURCE_GROUP_ENTRY = *mut SOURCE_GROUP_ENTRY;
