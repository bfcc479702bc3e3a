//! The allocator of what is shipped.
//!
//! musl, the C library inside the shipped binaries, maps and unmaps pages for almost every group of values: a tenth
//! of the time of a run that takes a millisecond or two, and a fifth where there is much to tell. This allocator asks
//! for pages rarely; it is the one that Rust's own library has on WebAssembly.

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
