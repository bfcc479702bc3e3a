//! A stand-in for the API of Kubernetes in tests.
