//! axum: state, sign-in, handlers, background jobs, the embedded frontend
