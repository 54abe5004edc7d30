//! What the system and the library know about one flow.

use mgm_control::explain::{Kernel, Listening};
use mgm_net::mroute::{Rule, Table};
use mgm_types::Flow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Explains a flow whose packets arrive on the interface with this index: `MgmHostExplain`. The
/// error is a line for the client.
pub type ExplainReader = Arc<dyn Fn(Flow, Option<u32>) -> Result<String, String> + Send + Sync>;

/// What the thread has found out about a flow.
#[derive(Debug)]
pub struct Evidence {
    /// The explanation of the library, as JSON.
    pub library: Result<String, String>,
    /// The packets that were seen, if the request asks for that.
    pub listening: Option<Listening>,
    /// What the kernel has, with the kernel forwarder.
    pub kernel: Option<KernelState>,
}

/// What the kernel has.
#[derive(Debug, Default)]
pub struct KernelState {
    /// The entry of the flow, and its table.
    pub kernel: Kernel,
    /// The rules that choose a table.
    pub rules: Vec<Rule>,
    /// The tables.
    pub tables: Vec<Table>,
    /// Whether the kernel accepts packets of the source, by the index of each link that is in the
    /// table.
    pub accepts: BTreeMap<u32, bool>,
}
