//! The sources that the entries of flows refer to.

use super::super::sources::SourceId;
use super::{fetch, FlowPlace, Flows};
use mgm_types::{Domain, Flow, Route};

impl Flows {
    /// The source that the entry of a flow refers to.
    #[inline]
    pub fn source(&self, flow: Flow) -> SourceId {
        self.find(flow).map_or(SourceId::NONE, |place| self.at(place).source)
    }

    /// The source that a flow's entry refers to, if that source is in the domain and has its
    /// present route.
    #[inline]
    fn source_of_entry(&self, flow: Flow, domain: Domain) -> Option<SourceId> {
        let id = self.at(self.find(flow)?).source;
        self.sources.is_present(id, domain).then_some(id)
    }

    /// Whether a flow has an entry, so that its source is known.
    #[inline]
    pub fn knows_source_of(&self, flow: Flow, domain: Domain) -> bool {
        self.source_of_entry(flow, domain).is_some_and(|id| id != SourceId::NONE)
    }

    /// The source of a flow in a domain, if it is known, with its present route.
    #[inline]
    pub fn find_source(&self, flow: Flow, domain: Domain) -> Option<SourceId> {
        let of_entry = self.source_of_entry(flow, domain);
        of_entry.or_else(|| self.sources.find(flow.source(), domain))
    }

    /// Returns the source of a flow in a domain and adds a reference to it. `route` is used if the
    /// source was unknown.
    #[inline(always)]
    pub fn hold_source(&mut self, flow: Flow, domain: Domain, route: Option<&Route>) -> SourceId {
        match self.find_source(flow, domain) {
            Some(source) => {
                self.sources.hold(source);
                source
            }
            None => self.sources.acquire(flow.source(), domain, route),
        }
    }

    /// Makes an entry refer to another source: the same address with another route, or in another
    /// domain.
    pub fn set_source(&mut self, place: FlowPlace, source: SourceId) {
        let old = std::mem::replace(&mut self.at_mut(place).source, source);
        self.sources.hold(source);
        self.sources.attach(source, place.0);
        self.sources.detach(old, place.0);
        self.sources.release(old);
    }

    /// The entries of a source's flows; `None` if there are very many.
    pub fn of_source(&self, source: SourceId) -> Option<Vec<FlowPlace>> {
        Some(self.sources.places(source)?.into_iter().map(FlowPlace).collect())
    }

    /// The flows from `first` on whose source has another number now, in order: at most `most`,
    /// within a limited number of rows. Returns where to continue; `None` at the end.
    pub fn outdated(
        &self,
        first: Flow,
        mut rows: usize,
        most: usize,
        out: &mut Vec<FlowPlace>,
    ) -> Option<Flow> {
        for run in self.order.runs(first, None) {
            fetch(&self.entries, run.numbers.iter().copied());
            for (flow, number) in run.iter() {
                if rows == 0 || out.len() == most {
                    return Some(flow);
                }
                rows -= 1;
                if self.sources.is_outdated(self.entries[number as usize].source) {
                    out.push(FlowPlace(number));
                }
            }
        }
        None
    }
}
