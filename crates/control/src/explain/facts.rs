//! What the decisions depend on, and their results.

use super::library::{shown, LibraryFlow};
use super::{Explanation, Listening, ProxyShare, Reason, Seen, Verdict};

/// Everything that a decision may depend on.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub all: &'a Explanation,
    pub library: &'a LibraryFlow,
}

/// Why packets do not go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    reason: Reason,
    interface: Option<String>,
    text: String,
    advice: Option<String>,
}

impl Finding {
    /// A reason that is about no interface, without advice.
    pub fn new(reason: Reason, text: impl Into<String>) -> Finding {
        Finding { reason, interface: None, text: text.into(), advice: None }
    }

    /// The same, about an interface.
    pub fn on(self, interface: &str) -> Finding {
        Finding { interface: Some(interface.to_owned()), ..self }
    }

    /// The same, with advice.
    pub fn advise(self, advice: impl Into<String>) -> Finding {
        Finding { advice: Some(advice.into()), ..self }
    }
}

impl From<Finding> for Verdict {
    fn from(finding: Finding) -> Verdict {
        let Finding { reason, interface, text, advice } = finding;
        Verdict { forwarded: false, reason: Some(reason), interface, text, advice }
    }
}

impl Verdict {
    /// Packets go out.
    pub(super) fn forwarded(text: impl Into<String>) -> Verdict {
        Verdict { forwarded: true, text: text.into(), ..Verdict::default() }
    }
}

impl Facts<'_> {
    /// Whether a packet of the flow has arrived, as far as is known.
    pub fn has_arrived(&self) -> bool {
        let library = self.library;
        self.all.arrival.as_ref().is_some_and(|arrival| arrival.seen)
            || library.mfe.is_some()
            || library.refusal.is_some()
            || library.resolving.is_some()
    }

    /// The name of an interface.
    pub fn name(&self, index: u32) -> String {
        let library = self.library;
        let expected = library.expected.iter().map(|row| (row.index, row.name.as_ref()));
        let arrival = library.arrival.iter().map(|row| (row.index, row.name.as_ref()));
        let paths = library.route.iter().flat_map(|route| &route.paths);
        let paths = paths.map(|row| (row.index, row.name.as_ref()));
        let wanted = library.interfaces.iter().map(|row| (row.index, row.name.as_ref()));
        let accepted = library.rpf_callback.iter().filter_map(|row| row.accepted.as_ref());
        let accepted = accepted.map(|row| (row.index, row.name.as_ref()));
        let mut all = expected.chain(arrival).chain(paths).chain(wanted).chain(accepted);
        let exit = self.all.outgoing.iter().find(|exit| exit.index == Some(index));
        match (exit, all.find(|(known, name)| *known == index && name.is_some())) {
            (Some(exit), _) => exit.interface.clone(),
            (None, Some((_, name))) => shown(name, index),
            (None, None) => shown(None, index),
        }
    }

    /// The interface on which packets arrive, as a name.
    pub fn arrival(&self) -> &str {
        self.all.arrival.as_ref().map_or("an unknown interface", |arrival| &arrival.interface)
    }

    /// What was seen, if mgmd could listen.
    pub fn heard(&self) -> Option<&Listening> {
        self.all.listening.as_ref().filter(|listening| listening.error.is_none())
    }

    /// The packets that were seen where packets arrive. A source on this router itself sends them
    /// there.
    pub fn arrived(&self) -> Option<&Seen> {
        let index = self.all.arrival.as_ref()?.index;
        let sent_here = self.is_own_source();
        let is_meant = |seen: &&Seen| seen.index == index && (!seen.leaving || sent_here);
        self.heard()?.seen.iter().find(is_meant)
    }

    /// Whether the source is an address of this router.
    pub fn is_own_source(&self) -> bool {
        self.library.route.as_ref().is_some_and(|route| route.kind == "local")
    }

    /// The first reason of the library.
    pub fn library_reason(&self) -> Option<&str> {
        self.library.verdict.reason.as_deref()
    }
}

impl ProxyShare {
    /// Whether it uses this interface now.
    pub(super) fn is_active_on(&self, interface: &str) -> bool {
        self.active.as_deref() == Some(interface)
    }
}
