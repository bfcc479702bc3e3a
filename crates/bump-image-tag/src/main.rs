//! Writes an image's tag into the overlays of environments, and not one byte more.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_bump_image_tag::BumpImageTag>()
}
