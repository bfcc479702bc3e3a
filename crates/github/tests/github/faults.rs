//! What goes wrong is told apart.
