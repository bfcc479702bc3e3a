//! The action notify.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_notify::Notify>()
}
