//! Does the demo work as a visitor uses it, and for nobody else?

mod outside;

