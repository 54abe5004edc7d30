//! The front door: see docs/architecture.md.
