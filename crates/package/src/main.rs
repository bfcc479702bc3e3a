//! What is shipped: an image for each action, and the bare binaries, made of binaries that are built already.
//!
//! `image` writes each image as an [OCI layout](https://github.com/opencontainers/image-spec/blob/main/image-layout.md)
//! ([`layout`]) of layers that depend on nothing but the binaries ([`layer`]), and holds both to what they must be
//! ([`binary`], [`size`]).
//! `release` pushes the layouts by digest ([`push`]), writes the digests to the lock file that `action.yml` is generated
//! from, and lays the binaries out for download ([`release`]).
//!
//! `cargo xtask image` and `cargo xtask release` build, and call this.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of the project's own talks to its terminal and reads its environment"
)]

mod binary;
mod image;
mod layer;
mod layout;
mod push;
mod release;
mod size;

use std::process::ExitCode;

use clap::Parser;

/// Images and archives of the built binaries
#[derive(Parser)]
enum Chore {
    /// Writes images of built binaries as OCI layouts, and tells their sizes
    Image(image::Image),
    /// Pushes images, writes their digests to the lock file, and lays out the bare binaries
    Release(release::Release),
}

fn main() -> anyhow::Result<ExitCode> {
    match Chore::parse() {
        Chore::Image(image) => image.run(),
        Chore::Release(release) => release.run(),
    }
}
