//! HTTP over loopback, able to close a connection instead of answering.

use super::outage::Switch;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

/// Put on a response that must not be sent.
#[derive(Clone, Copy)]
struct HangUp;

/// A response that closes the connection without an answer.
pub(crate) fn hang_up() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(HangUp);
    response
}

/// A running server; it ends, with its connections, when dropped.
pub(crate) struct HttpServer {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HttpServer {
    /// Serves `router`. Outages spare `/` and `/control/…`, or nobody could end them.
    pub(crate) async fn start(address: SocketAddr, router: Router, switch: Arc<Switch>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        connections.spawn(serve(stream, router.clone(), switch.clone()));
                    }
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task })
    }

    /// `http://…` without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(stream: TcpStream, router: Router, switch: Arc<Switch>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, switch) = (router.clone(), switch.clone());
        async move {
            let path = request.uri().path();
            let spared = path == "/" || path.starts_with("/control/");
            let instead = if spared { None } else { switch.pass().await };
            let response = match instead {
                Some(response) => response,
                None => router.oneshot(request).await.unwrap_or_else(|never| match never {}),
            };
            if response.extensions().get::<HangUp>().is_some() {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Ok(response)
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
