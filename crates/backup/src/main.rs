//! Keeps what a namespace of Kubernetes holds as clean YAML, and puts it back.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_backup::Backup>()
}
