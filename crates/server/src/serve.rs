//! The server's life: from a listening socket to the last answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::worker::follow_shelf;
use crate::{App, router, run_workers};

/// How long requests and jobs in hand may take once the end was asked for.
const GRACE: Duration = Duration::from_secs(20);

/// Answers requests and, with `jobs`, runs suggestion jobs until `stop` turns true. What is in hand then is brought to
/// its end, within limits.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
    jobs: bool,
) -> io::Result<()> {
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
    let mut asked = stop.clone();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = asked.wait_for(|stop| *stop).await;
    });
    let mut late = stop;
    let outcome = tokio::select! {
        outcome = serving => outcome,
        () = async {
            let _ = late.wait_for(|stop| *stop).await;
            tokio::time::sleep(GRACE).await;
        } => {
            tracing::warn!("requests are broken off");
            Ok(())
        }
    };
    if tokio::time::timeout(GRACE, workers).await.is_err() {
        tracing::warn!("jobs are broken off; they are done again at the next start");
    }
    app.store.close().await;
    outcome
}
