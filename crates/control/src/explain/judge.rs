//! Decides why packets do not go out.

use super::facts::Facts;
use super::library::LibraryFlow;
use super::{absence, arrival, departure, Exit, Explanation, Reason, Verdict};
use serde::Deserialize;

impl Explanation {
    /// Decides the verdicts: of each outgoing interface, and of the flow.
    ///
    /// # Errors
    /// A member of the library's explanation is missing.
    pub fn judge(&mut self) -> serde_json::Result<()> {
        let library = LibraryFlow::deserialize(&self.library)?;
        let facts = Facts { all: self, library: &library };
        let verdicts: Vec<Verdict> = self
            .outgoing
            .iter()
            .map(|exit| departure::first(&facts, exit).map_or_else(|| goes_out(exit), Into::into))
            .collect();
        for (exit, verdict) in self.outgoing.iter_mut().zip(verdicts) {
            exit.verdict = verdict;
        }
        let facts = Facts { all: self, library: &library };
        self.verdict = facts.flow();
        Ok(())
    }

    /// The verdict about the flow on one outgoing interface: the first reason why packets do not
    /// leave by it. `None` without such an interface.
    #[must_use]
    pub fn verdict_on(&self, interface: &str) -> Option<&Verdict> {
        let exit = self.outgoing.iter().find(|exit| exit.interface == interface)?;
        let is_before = self.verdict.reason.is_some_and(Reason::is_before_departure);
        Some(if is_before || exit.verdict.forwarded { &self.verdict } else { &exit.verdict })
    }
}

fn goes_out(exit: &Exit) -> Verdict {
    Verdict::forwarded(format!("packets leave by {}", exit.interface))
}

impl Facts<'_> {
    fn flow(&self) -> Verdict {
        if let Some(finding) = arrival::first(self) {
            return finding.into();
        }
        let out: Vec<&str> = self
            .all
            .outgoing
            .iter()
            .filter(|exit| exit.verdict.forwarded)
            .map(|exit| exit.interface.as_str())
            .collect();
        if out.is_empty() {
            return departure::nearest(self);
        }
        match absence::first(self) {
            Some(finding) => finding.into(),
            None => Verdict::forwarded(format!("packets are forwarded to {}", out.join(", "))),
        }
    }
}
