//! The page: Leptos, rendered in the browser
