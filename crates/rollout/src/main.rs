//! The binary `rollout`.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_rollout::Rollout>()
}
