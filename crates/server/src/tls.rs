//! TLS by rustls: 1.3 and 1.2, with a certificate of one's own that is read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {reason}", .path.display())]
    File { path: PathBuf, reason: String },
    #[error("the private key is not that of the certificate")]
    Mismatch,
    #[error("the certificate can't be used: {0}")]
    Refused(String),
}

/// A certificate and its key, as files (PEM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Tls {
    /// Reads both files. The certificate is followed by those between it and the root.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let file = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
        let read = |path: &Path| std::fs::read(path).map_err(|error| file(path, error.to_string()));
        let chain = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| file(&self.certificate, format!("no certificate in PEM: {error}")))?;
        if chain.is_empty() {
            return Err(file(&self.certificate, "it holds no certificate in PEM".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|_| file(&self.key, "it holds no private key in PEM".to_owned()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Refused(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
                error => TlsError::Refused(error.to_string()),
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn changed(&self) -> Option<(SystemTime, SystemTime)> {
        let at = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
        Some((at(&self.certificate)?, at(&self.key)?))
    }

    /// Takes a new certificate in without a restart. One that can't be used is told, and the one before stays.
    pub(crate) async fn follow(self, config: RustlsConfig, mut stop: watch::Receiver<bool>) {
        let mut seen = self.changed();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let now = self.changed();
            if now == seen || now.is_none() {
                continue;
            }
            match self.load() {
                Ok(fresh) => {
                    config.reload_from_config(fresh);
                    seen = now;
                    tracing::info!("the new certificate is in use");
                }
                // Perhaps only one of the two files is there yet: it is tried again.
                Err(error) => tracing::warn!(%error, "the certificate changed; the one before stays in use"),
            }
        }
    }
}
