//! The `detect-changes` binary.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_detect_changes::DetectChanges>()
}
