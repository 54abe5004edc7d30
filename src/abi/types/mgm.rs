//! The structures and constants of mgm.h.

use super::{
    DWORD, PMGM_CREATION_ALERT_CALLBACK, PMGM_DISABLE_IGMP_CALLBACK, PMGM_ENABLE_IGMP_CALLBACK,
    PMGM_JOIN_ALERT_CALLBACK, PMGM_LOCAL_JOIN_CALLBACK, PMGM_LOCAL_LEAVE_CALLBACK,
    PMGM_PRUNE_ALERT_CALLBACK, PMGM_RPF_CALLBACK, PMGM_WRONG_IF_CALLBACK,
};

/// Record or remove the membership, and change the matching MFEs.
pub const MGM_JOIN_STATE_FLAG: DWORD = 1;
/// Change the existing matching MFEs, but do not record or remove the membership.
pub const MGM_FORWARD_STATE_FLAG: DWORD = 2;
/// Another name for MGM_FORWARD_STATE_FLAG. The reference uses both names.
pub const MGM_FORWARD_STATE: DWORD = 2;
/// Return statistics as MIB_IPMCAST_MFE_STATS.
pub const MGM_MFE_STATS_0: DWORD = 1;
/// Return statistics as MIB_IPMCAST_MFE_STATS_EX.
pub const MGM_MFE_STATS_1: DWORD = 2;

/// The callbacks of a client. The library skips a callback that is NULL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ROUTING_PROTOCOL_CONFIG {
    /// Reserved; the library ignores it.
    pub dwCallbackFlags: DWORD,
    /// Asks for the incoming interface of an MFE.
    pub pfnRpfCallback: PMGM_RPF_CALLBACK,
    /// Asks about outgoing interfaces of an MFE.
    pub pfnCreationAlertCallback: PMGM_CREATION_ALERT_CALLBACK,
    /// Reports that packets are no longer wanted.
    pub pfnPruneAlertCallback: PMGM_PRUNE_ALERT_CALLBACK,
    /// Reports that packets are wanted.
    pub pfnJoinAlertCallback: PMGM_JOIN_ALERT_CALLBACK,
    /// Reports a packet that arrived on the wrong interface.
    pub pfnWrongIfCallback: PMGM_WRONG_IF_CALLBACK,
    /// Reports that IGMP has added a membership on an interface of the client.
    pub pfnLocalJoinCallback: PMGM_LOCAL_JOIN_CALLBACK,
    /// Reports that IGMP has deleted a membership on an interface of the client.
    pub pfnLocalLeaveCallback: PMGM_LOCAL_LEAVE_CALLBACK,
    /// For IGMP only: reports that the owner of an interface is about to change.
    pub pfnDisableIgmpCallback: PMGM_DISABLE_IGMP_CALLBACK,
    /// For IGMP only: reports that the owner of an interface has changed.
    pub pfnEnableIgmpCallback: PMGM_ENABLE_IGMP_CALLBACK,
}
pub type ROUTING_PROTOCOL_CONFIG = _ROUTING_PROTOCOL_CONFIG;
pub type PROUTING_PROTOCOL_CONFIG = *mut ROUTING_PROTOCOL_CONFIG;

/// One entry of a group enumeration.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct _SOURCE_GROUP_ENTRY {
    /// Source, network byte order; 0 for any source.
    pub dwSourceAddr: DWORD,
    /// 255.255.255.255; 0 if dwSourceAddr is 0.
    pub dwSourceMask: DWORD,
    /// Group, network byte order; 0 for all groups.
    pub dwGroupAddr: DWORD,
    /// 255.255.255.255; 0 if dwGroupAddr is 0.
    pub dwGroupMask: DWORD,
}
pub type SOURCE_GROUP_ENTRY = _SOURCE_GROUP_ENTRY;
pub type PSOURCE_GROUP_ENTRY = *mut SOURCE_GROUP_ENTRY;
