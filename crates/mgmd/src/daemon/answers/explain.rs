//! The answer to `GET /v1/explain`: adds the state of the router to what the library and the system
//! know about a flow.

mod arrival;
mod exits;
mod shares;

use super::forwarding::Links;
use super::links::all;
use super::View;
use crate::control::Evidence;
use crate::daemon::library::in_words_of_the_file;
use crate::daemon::names::named;
use mgm_control::explain::Explanation;
use mgm_control::request::ExplainQuery;
use mgm_control::{ErrorCode, Failure};
use mgm_types::Flow;
use serde_json::Value;

/// A flow that is explained.
#[derive(Clone, Copy)]
struct Asked<'a> {
    view: &'a View<'a>,
    query: &'a ExplainQuery,
    evidence: &'a Evidence,
    links: &'a Links<'a>,
}

impl Asked<'_> {
    fn flow(&self) -> Flow {
        Flow::new(self.query.source, self.query.group)
    }
}

fn internal(text: impl ToString) -> Failure {
    Failure::new(ErrorCode::Internal, text.to_string())
}

/// Explains a flow.
pub fn flow(
    view: &View,
    query: &ExplainQuery,
    evidence: Option<&Evidence>,
) -> Result<Explanation, Failure> {
    let evidence = evidence.ok_or_else(|| internal("nothing was found out about the flow"))?;
    let links = all(view);
    let asked = Asked { view, query, evidence, links: &links };
    let library = evidence.library.as_ref().map_err(internal)?;
    let library: Value = serde_json::from_str(library).map_err(internal)?;
    let routes = view.context.shared.with(|state| shares::routes(&asked, state));
    let proxies = view.context.shared.with(|state| shares::proxies(&asked, state));
    let place = arrival::Place { asked: &asked, routes: &routes, proxies: &proxies };
    let (mut library, arrival) = place.find(library)?;
    for text in ["/verdict/text", "/refusal/text"] {
        if let Some(Value::String(text)) = library.pointer_mut(text) {
            *text = named(&in_words_of_the_file(text), crate::control::name);
        }
    }
    let mut explanation = Explanation::of_library(library).map_err(internal)?;
    let outgoing = exits::all(&asked, &explanation, arrival.as_ref()).map_err(internal)?;
    explanation.arrival = arrival;
    explanation.outgoing = outgoing;
    explanation.routes = routes;
    explanation.proxies = proxies;
    explanation.listening = evidence.listening.clone();
    explanation.kernel = evidence.kernel.as_ref().map(|state| state.kernel.clone());
    explanation.judge().map_err(internal)?;
    Ok(explanation)
}
