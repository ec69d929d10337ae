//! The server's life: from a listening socket to the last answer.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::sync::watch;

use crate::worker::follow_shelf;
use crate::{App, Tls, router, run_workers};

/// How long requests and jobs in hand may take once the end was asked for.
const GRACE: Duration = Duration::from_secs(20);
/// How long a connection may take to say what it wants: who sends a letter a minute holds nothing.
const HEADERS: Duration = Duration::from_secs(10);

/// Answers requests, over TLS where there is a certificate, and, with `jobs`, runs suggestion jobs until `stop` turns true.
/// What is in hand then is brought to its end, within limits.
pub async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<Tls>,
    stop: watch::Receiver<bool>,
    jobs: bool,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let workers = {
        let (app, stop) = (app.clone(), stop.clone());
        tokio::spawn(async move {
            if jobs {
                run_workers(&app, stop, false).await;
            } else {
                follow_shelf(app, stop).await;
            }
        })
    };
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    let ending = {
        let (handle, mut stop) = (handle.clone(), stop.clone());
        tokio::spawn(async move {
            let _ = stop.wait_for(|stop| *stop).await;
            handle.graceful_shutdown(Some(GRACE));
        })
    };
    let mut server =
        axum_server::from_tcp(listener)?.handle(handle).first_request_timeout(HEADERS).http1_only();
    server.http_builder().http1().timer(hyper_util::rt::TokioTimer::new()).header_read_timeout(HEADERS);
    let outcome = match tls {
        None => server.serve(service).await,
        Some(tls) => {
            let config = RustlsConfig::from_config(tls.load().map_err(io::Error::other)?);
            tokio::spawn(tls.follow(config.clone(), stop));
            let acceptor = RustlsAcceptor::new(config).handshake_timeout(HEADERS);
            server.acceptor(acceptor).serve(service).await
        }
    };
    ending.abort();
    if tokio::time::timeout(GRACE, workers).await.is_err() {
        tracing::warn!("jobs are broken off; they are done again at the next start");
    }
    app.store.close().await;
    outcome
}
