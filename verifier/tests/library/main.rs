//! The library's tests, without halo2: known answers and what is made from them.

mod answers;
mod batch;
mod errors;
mod files;
mod key_format;
mod layout;
mod nodes;
mod readings;
mod table;
mod verify;
