//! The built binaries, end to end. One file an idea; the harness is this crate's library.

mod bump_image_tag;
mod bump_image_tag_pull_request;
mod bump_image_tag_remote;
mod bump_worktree;
mod configuration;
mod dependencies;
mod detect_changes;
mod examples;
mod gate_approval;
mod gate_approval_github;
mod gate_aws;
mod gate_registry;
mod hostile;
mod notify;
mod notify_channels;
mod notify_email;
mod notify_story;
mod pages;
mod signals;
mod smoke_test;
mod smoke_test_bake;
mod smoke_test_faults;
mod smoke_test_flow;
mod smoke_test_servers;
mod uses;
