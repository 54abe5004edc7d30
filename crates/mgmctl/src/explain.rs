//! `mgmctl explain`: why the packets of a flow go out, or why not.

use crate::arguments::Explain;
use crate::failed::Failed;
use crate::router::{Answer, Router};
use crate::show;
use mgm_control::explain::Explanation;
use mgm_control::request::ExplainQuery;
use mgm_control::{Request, Versioned};

/// Returns the explanation, in JSON or as text, and whether packets go out.
pub fn explain(
    router: &mut Router,
    as_json: bool,
    wanted: &Explain,
) -> Result<(String, bool), Failed> {
    let Explain { query, to } = wanted;
    ExplainQuery::check(query.source, query.group).map_err(Failed::Arguments)?;
    let request = Request::Explain(query.clone());
    let (Answer::Mgmd(json) | Answer::Library(json)) = router.ask(&request)?;
    let answer: Versioned<Explanation> = serde_json::from_str(&json).map_err(Failed::Answer)?;
    let explanation = answer.answer;
    let verdict = match to {
        None => &explanation.verdict,
        Some(to) => explanation.verdict_on(to.as_str()).ok_or_else(|| {
            Failed::Arguments(match &explanation.arrival {
                Some(arrival) if arrival.interface == to.as_str() => {
                    format!("packets arrive on {to}, so they do not leave there")
                }
                _ => format!("{to} is not in the configuration: mgmctl interfaces lists those"),
            })
        })?,
    };
    let is_forwarded = verdict.forwarded;
    let text = match as_json {
        true => json,
        false => show::explanation(&explanation, verdict).map_err(Failed::Answer)?,
    };
    Ok((text, is_forwarded))
}
