//! Bytes from outside to notes, with the place of every fault
