//! What may be said of a run: warm-up removed, and how sure one can be of what is left.
