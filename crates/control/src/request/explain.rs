//! The parameters of `GET /v1/explain`.

use super::body::is_host;
use super::{InterfaceName, GROUP, INTERFACE, SOURCE};
use crate::error::Failure;
use crate::query::{Parameters, Query};
use std::net::Ipv4Addr;

/// Which flow is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainQuery {
    /// The source.
    pub source: Ipv4Addr,
    /// The group.
    pub group: Ipv4Addr,
    /// The interface on which its packets arrive. `None` for the one on which they do arrive, have
    /// arrived, or are expected.
    pub from: Option<InterfaceName>,
    /// How long mgmd listens for packets of the flow, in milliseconds.
    pub listen_ms: u32,
}

impl ExplainQuery {
    /// The longest time for which mgmd listens. It must answer within 5 s.
    pub const MAX_LISTEN: u32 = 4_000;

    /// The flow, whose packets mgmd does not listen for.
    #[must_use]
    pub fn new(source: Ipv4Addr, group: Ipv4Addr) -> ExplainQuery {
        ExplainQuery { source, group, from: None, listen_ms: 0 }
    }

    /// Checks the addresses.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check(source: Ipv4Addr, group: Ipv4Addr) -> Result<(), String> {
        if !group.is_multicast() {
            return Err(format!("invalid group {group}: use a group, such as 239.1.1.1"));
        }
        if !is_host(source) {
            return Err(format!("invalid source {source}: use the address of a host"));
        }
        Ok(())
    }

    pub(super) fn read(query: &mut Query) -> Result<ExplainQuery, Failure> {
        let missing = |name: &str, allowed: &str| {
            let text = format!("{}: the parameter {name} is missing: use {allowed}", query.path());
            Failure::invalid(text)
        };
        let no_source = missing("source", SOURCE);
        let no_group = missing("group", GROUP);
        let source = query.take("source", SOURCE)?;
        let group = query.take("group", GROUP)?;
        let from = query.take("from", INTERFACE)?;
        let listen = query.take("listen_ms", "a whole number of milliseconds from 0 to 4000")?;
        let source = source.ok_or(no_source)?;
        let group = group.ok_or(no_group)?;
        let listen_ms = listen.unwrap_or(0);
        let path = query.path();
        ExplainQuery::check(source, group)
            .map_err(|text| Failure::invalid(format!("{path}: {text}")))?;
        if listen_ms > ExplainQuery::MAX_LISTEN {
            let allowed = "use a whole number of milliseconds from 0 to 4000";
            let text = format!("{path}: invalid listen_ms={listen_ms}: {allowed}");
            return Err(Failure::invalid(text));
        }
        Ok(ExplainQuery { source, group, from, listen_ms })
    }

    pub(super) fn write(&self, parameters: &mut Parameters) -> &'static str {
        parameters.add("source", Some(self.source)).add("group", Some(self.group));
        parameters.add("from", self.from.as_ref());
        parameters.add("listen_ms", (self.listen_ms > 0).then_some(self.listen_ms));
        "/v1/explain"
    }
}
