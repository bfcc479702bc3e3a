//! Decides whether a change may go to an environment, fails closed, leaves evidence.

fn main() -> std::process::ExitCode {
    sluice_core::main::<sluice_gate_approval::GateApproval>()
}
