//! The fast pass against the plain one, on every instruction set that the machine has.
