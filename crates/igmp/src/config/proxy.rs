//! What can be configured of a proxy (RFC 4605).

use super::{AccessList, Rule};
use mgm_types::{Flow, Prefix};
use std::fmt;
use std::net::Ipv4Addr;

/// An upstream of a proxy, and what it is for (I60). The order of upstreams matters: the first
/// that matches a source and a group gets the reports for both together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUpstream {
    /// The link, and then its backups. The first of them that is up and has an address serves.
    pub links: Vec<u32>,
    /// The links whose hosts it serves.
    pub downstreams: Vec<u32>,
    /// The groups that are reported there.
    pub groups: AccessList,
    /// The networks of the senders behind it: each becomes a host route. Without a list, all
    /// senders may be there, and the routes of the system say which of them are (I59).
    pub sources: Option<Vec<Prefix>>,
    /// The groups whose packets are sent up if their sender is on a downstream (I58).
    pub forward_up: AccessList,
}

impl Default for ProxyUpstream {
    fn default() -> ProxyUpstream {
        // 239.255/16 is the local scope (RFC 2365): a provider has no use for it.
        let local_scope = Rule { permit: false, prefix: Prefix::of([239, 255, 0, 0].into(), 16) };
        // No router forwards 224.0.0/24.
        let link_local = Rule { permit: false, prefix: Prefix::of([224, 0, 0, 0].into(), 24) };
        ProxyUpstream {
            links: Vec::new(),
            downstreams: Vec::new(),
            groups: AccessList { rules: vec![local_scope], otherwise: true },
            sources: None,
            forward_up: AccessList { rules: vec![link_local, local_scope], otherwise: true },
        }
    }
}

impl ProxyUpstream {
    /// Whether a flow may come from there.
    pub(crate) fn is_for(&self, flow: Flow) -> bool {
        self.groups.permits(flow.group()) && self.has_source(flow.source())
    }

    /// Whether a sender may be behind it.
    #[must_use]
    pub fn has_source(&self, source: Ipv4Addr) -> bool {
        self.sources.as_ref().is_none_or(|list| list.iter().any(|net| net.contains(source)))
    }
}

/// Why the upstreams of a proxy are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyError {
    /// An upstream without a link.
    NoLink,
    /// A link that is upstream and downstream (I53).
    BothRoles(u32),
    /// A network that two upstreams name for the same groups (I59).
    SameNetwork(Prefix),
}

/// Whether these upstreams can be configured together.
///
/// # Errors
/// The first reason for which they cannot.
pub fn check_upstreams(upstreams: &[ProxyUpstream]) -> Result<(), ProxyError> {
    for (n, upstream) in upstreams.iter().enumerate() {
        if upstream.links.is_empty() {
            return Err(ProxyError::NoLink);
        }
        let mut downstreams = upstreams.iter().flat_map(|other| &other.downstreams);
        if let Some(link) = downstreams.find(|link| upstream.links.contains(link)) {
            return Err(ProxyError::BothRoles(*link));
        }
        for other in upstreams[..n].iter().filter(|other| other.groups == upstream.groups) {
            let named = upstream.sources.iter().flatten();
            let mut same = named.filter(|net| other.sources.iter().flatten().any(|o| o == *net));
            if let Some(network) = same.next() {
                return Err(ProxyError::SameNetwork(*network));
            }
        }
    }
    Ok(())
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyError::NoLink => f.write_str("a proxy needs an upstream link"),
            ProxyError::BothRoles(link) => {
                write!(f, "interface {link} cannot be upstream and downstream of a proxy")
            }
            ProxyError::SameNetwork(network) => write!(
                f,
                "{}/{} is in sources of two upstreams with the same groups: name it once",
                network.network(),
                network.length()
            ),
        }
    }
}

impl std::error::Error for ProxyError {}
