//! Proves that a deployment answers rightly.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_smoke_test::SmokeTest>()
}
