//! The structures of the routing table manager that an RPF callback gets.

use super::{DWORD, FILETIME, HANDLE, INT, UCHAR, UINT, USHORT};

/// Size of the longest address in bytes.
pub const RTM_MAX_ADDRESS_SIZE: usize = 16;
/// Number of the unicast view.
pub const RTM_VIEW_ID_UCAST: INT = 0;
/// Number of the multicast view, which RPF checks use.
pub const RTM_VIEW_ID_MCAST: INT = 1;
/// Set of views: no view.
pub const RTM_VIEW_MASK_NONE: DWORD = 0;
/// Set of views: any view.
pub const RTM_VIEW_MASK_ANY: DWORD = 0;
/// Set of views: the unicast view.
pub const RTM_VIEW_MASK_UCAST: DWORD = 1;
/// Set of views: the multicast view.
pub const RTM_VIEW_MASK_MCAST: DWORD = 2;
/// Set of views: all views.
pub const RTM_VIEW_MASK_ALL: DWORD = 4294967295;

/// Number of a view.
pub type RTM_VIEW_ID = INT;
pub type PRTM_VIEW_ID = *mut RTM_VIEW_ID;
/// Set of views, one bit for each view.
pub type RTM_VIEW_SET = DWORD;
pub type PRTM_VIEW_SET = *mut RTM_VIEW_SET;
/// The library always sets it to NULL: there is no routing table manager.
pub type RTM_ENTITY_HANDLE = HANDLE;
pub type PRTM_ENTITY_HANDLE = *mut RTM_ENTITY_HANDLE;
/// The library always sets it to NULL.
pub type RTM_DEST_HANDLE = HANDLE;
pub type PRTM_DEST_HANDLE = *mut RTM_DEST_HANDLE;
/// The library always sets it to NULL.
pub type RTM_ROUTE_HANDLE = HANDLE;
pub type PRTM_ROUTE_HANDLE = *mut RTM_ROUTE_HANDLE;

/// An address prefix.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _RTM_NET_ADDRESS {
    /// AF_INET.
    pub AddressFamily: USHORT,
    /// Length of the prefix in bits.
    pub NumBits: USHORT,
    /// The address in network byte order. Only the first four bytes are used.
    pub AddrBits: [UCHAR; RTM_MAX_ADDRESS_SIZE],
}
pub type RTM_NET_ADDRESS = _RTM_NET_ADDRESS;
pub type PRTM_NET_ADDRESS = *mut RTM_NET_ADDRESS;

/// The routes to a destination in one view.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _RTM_DEST_VIEW_INFO {
    /// Number of the view: RTM_VIEW_ID_MCAST.
    pub ViewId: RTM_VIEW_ID,
    /// Number of routes in this view.
    pub NumRoutes: UINT,
    /// The best route: always NULL.
    pub Route: RTM_ROUTE_HANDLE,
    /// Owner of the best route: always NULL.
    pub Owner: RTM_ENTITY_HANDLE,
    /// Always 0.
    pub DestFlags: DWORD,
    /// The route in hold-down: always NULL.
    pub HoldRoute: RTM_ROUTE_HANDLE,
}

/// A destination and the routes to it. The parameter pbRoute of PMGM_RPF_CALLBACK
/// points to such a structure, with one view.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _RTM_DEST_INFO {
    /// Always NULL.
    pub DestHandle: RTM_DEST_HANDLE,
    /// Network of the route to the source.
    pub DestAddress: RTM_NET_ADDRESS,
    /// Always 0.
    pub LastChanged: FILETIME,
    /// RTM_VIEW_MASK_MCAST.
    pub BelongsToViews: RTM_VIEW_SET,
    /// Number of entries in ViewInfo: 1.
    pub NumberOfViews: UINT,
    /// The views.
    pub ViewInfo: [_RTM_DEST_VIEW_INFO; 1],
}
pub type RTM_DEST_INFO = _RTM_DEST_INFO;
pub type PRTM_DEST_INFO = *mut RTM_DEST_INFO;
