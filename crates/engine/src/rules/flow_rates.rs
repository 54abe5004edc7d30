//! How many flows may begin on an interface in a second: setting the limit (spec 0.9). The limit
//! itself is in `flow_limit`.

use super::reconsider;
use crate::effects::Effects;
use crate::tables::Tables;
use mgm_types::Rate;

/// Sets the limit of the interfaces of an index, or removes it. The flows that the former limit
/// has refused are processed again. The caller has set the time.
pub fn set(t: &mut Tables, if_index: u32, rate: Option<Rate>, fx: &mut Effects) {
    if t.flow_rates.set(if_index, rate, t.now) {
        reconsider::flow_rate(t, if_index, fx);
    }
}
