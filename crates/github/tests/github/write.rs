//! What is written is one commit on the state that was read, or none.
