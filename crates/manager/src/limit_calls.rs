//! Thresholds, boundaries and scope names, and limits of new flows: the host's functions for spec
//! 3.7 and 0.9.

use super::state::State;
use super::Manager;
use crate::types::{Interface, Rate, Result, Scope};
use widestring::{U16CStr, U16CString};

impl Manager {
    /// Sets the TTL that packets must exceed to be forwarded on an interface.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    pub fn set_ttl_threshold(&self, interface: Interface, threshold: u8) -> Result<()> {
        self.act(State::started, |run| {
            run.engine.set_threshold(interface, threshold, &mut run.fx);
            Ok(())
        })
    }

    /// Adds a boundary for the groups of a scope on the interfaces of an index. Adding an existing
    /// boundary is not an error.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    pub fn add_boundary(&self, if_index: u32, scope: Scope) -> Result<()> {
        self.act(State::started, |run| {
            run.set_clock();
            run.engine.add_boundary(if_index, scope, &mut run.fx);
            if let Some(name) = run.engine.scope_name(scope) {
                ::log::info!("interface {if_index} is a boundary for {}, {scope}", name.display());
            } else {
                ::log::info!("interface {if_index} is a boundary for {scope}");
            }
            Ok(())
        })
    }

    /// Deletes a boundary.
    ///
    /// # Errors
    /// `NoBoundary`, `BadSetting`, `Stopping`.
    pub fn delete_boundary(&self, if_index: u32, scope: Scope) -> Result<()> {
        self.act(State::started, |run| {
            run.set_clock();
            run.engine.delete_boundary(if_index, scope, &mut run.fx)
        })
    }

    /// Limits how many flows packets may begin on the interfaces of an index in a second; `None`
    /// removes the limit.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    pub fn set_flow_limit(&self, if_index: u32, rate: Option<Rate>) -> Result<()> {
        self.act(State::started, |run| {
            run.set_clock();
            run.engine.set_flow_rate(if_index, rate, &mut run.fx);
            run.system.set_flow_limit(if_index, rate);
            match rate {
                Some(Rate { per_second, burst }) => ::log::info!(
                    "interface {if_index}: at most {per_second} new flows a second, and {burst} at \
                     once"
                ),
                None => ::log::info!("interface {if_index}: no limit of new flows"),
            }
            Ok(())
        })
    }

    /// Names a scope; an empty name deletes the name.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    pub fn set_scope_name(&self, scope: Scope, name: &U16CStr) -> Result<()> {
        self.lock().started()?.engine.set_scope_name(scope, name);
        Ok(())
    }

    /// The name of a scope, if it has one.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    pub fn scope_name(&self, scope: Scope) -> Result<Option<U16CString>> {
        Ok(self.lock().started()?.engine.scope_name(scope).map(U16CStr::to_ucstring))
    }
}
