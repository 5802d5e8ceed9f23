//! Program files from strangers: those that lie, those that would exhaust memory, and those that nobody has thought of.
//!
//! The digest at the end of a file guards against damage only, so every file here has the right one.

mod bombs;
mod file;
mod lies;
mod models;
mod mutations;
