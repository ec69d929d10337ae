//! The wire: requests, views, error codes and paths, shared by server and frontend
