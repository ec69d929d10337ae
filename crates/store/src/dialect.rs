//! All that differs between the two engines.

/// Which database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

pub(crate) enum Failure {
    StorageFull,
    Unavailable(String),
    Other(String),
}

/// What a driver's error means to the callers of this crate.
pub(crate) fn classify(error: &sqlx::Error) -> Failure {
    use sqlx::Error as E;
    match error {
        E::Io(error) => Failure::Unavailable(error.kind().to_string()),
        E::PoolTimedOut => Failure::Unavailable("no connection became free in time".into()),
        E::PoolClosed | E::WorkerCrashed => Failure::Unavailable("the connection is closed".into()),
        E::Tls(_) => Failure::Unavailable("the encrypted connection failed".into()),
        E::Configuration(_) => Failure::Unavailable("the address of the database can't be read".into()),
        E::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            match code.as_str() {
                "13" | "53100" => Failure::StorageFull,
                "5" | "6" | "261" | "517" => Failure::Unavailable("the database is locked".into()),
                "14" => Failure::Unavailable("the file can't be opened".into()),
                "53300" => Failure::Unavailable("too many connections".into()),
                "57P01" | "57P02" | "57P03" => Failure::Unavailable("the database is shutting down or starting".into()),
                "28000" | "28P01" => Failure::Unavailable("the database refuses this user or password".into()),
                "3D000" => Failure::Unavailable("the server has no such database".into()),
                code if code.starts_with("08") => Failure::Unavailable("the connection is lost".into()),
                _ => Failure::Other(code),
            }
        }
        E::RowNotFound => Failure::Other("row not found".into()),
        E::Decode(_) | E::ColumnDecode { .. } => Failure::Other("decode".into()),
        E::Encode(_) => Failure::Other("encode".into()),
        E::Protocol(_) => Failure::Other("protocol".into()),
        _ => Failure::Other("driver".into()),
    }
}
