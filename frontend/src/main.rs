//! Starts the page.

fn main() {
    overread_frontend::mount();
}
