//! A stand-in for GitHub in tests.
