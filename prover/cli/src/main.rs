//! The apodict command line.
fn main() {}
