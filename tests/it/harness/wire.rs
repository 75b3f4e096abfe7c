//! A line to a provider that is listened to, and on which an answer can be put in place of the provider's own.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use reqwest::Client;
use std::sync::{Arc, Mutex};

/// What was asked: `POST /v1/invoices` and the like, and the body.
#[derive(Debug, Clone)]
pub struct Call {
    pub what: String,
    pub body: String,
}

/// An answer in place of the provider's.
#[derive(Debug, Clone, Default)]
pub struct Instead {
    /// What the calls begin with.
    pub of: &'static str,
    /// For so many calls.
    pub times: usize,
    /// The provider gets the call all the same; only its answer is lost.
    pub passed_on: bool,
    pub status: u16,
    pub retry_after: Option<u32>,
    pub body: String,
}

struct Line {
    to: String,
    client: Client,
    calls: Mutex<Vec<Call>>,
    instead: Mutex<Vec<Instead>>,
}

/// The line; calls to its address go to the provider's.
pub struct Wire {
    pub base_url: String,
    line: Arc<Line>,
}

impl Wire {
    pub async fn to(provider: String) -> Self {
        let client = Client::builder().build().unwrap();
        let line = Arc::new(Line { to: provider, client, calls: Mutex::default(), instead: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(pass).with_state(line.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base_url, line }
    }

    /// The calls so far that begin so.
    pub fn calls(&self, of: &str) -> Vec<Call> {
        self.line.calls.lock().unwrap().iter().filter(|c| c.what.starts_with(of)).cloned().collect()
    }

    pub fn count(&self, of: &str) -> usize {
        self.calls(of).len()
    }

    /// Puts answers in place of the provider's.
    pub fn instead(&self, instead: Instead) {
        self.line.instead.lock().unwrap().push(instead);
    }

    /// The provider answers for itself again.
    pub fn clear(&self) {
        self.line.instead.lock().unwrap().clear();
    }
}

async fn pass(State(line): State<Arc<Line>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 32 << 20).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let call = Call { what: format!("{} {path}", parts.method), body: String::from_utf8_lossy(&bytes).into_owned() };
    let instead = {
        let mut all = line.instead.lock().unwrap();
        let found = all.iter_mut().find(|i| i.times > 0 && call.what.starts_with(i.of));
        found.map(|i| {
            i.times -= 1;
            i.clone()
        })
    };
    line.calls.lock().unwrap().push(call);
    let own = async {
        let mut sent = line.client.request(parts.method, format!("{}{path}", line.to)).body(bytes);
        for (name, value) in parts.headers.iter().filter(|(n, _)| !["host", "content-length"].contains(&n.as_str())) {
            sent = sent.header(name, value);
        }
        let answer = sent.send().await.unwrap();
        let mut response = Response::builder().status(answer.status());
        for name in ["content-type", "retry-after"] {
            if let Some(value) = answer.headers().get(name) {
                response = response.header(name, value);
            }
        }
        response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
    };
    let Some(instead) = instead else { return own.await };
    if instead.passed_on {
        own.await;
    }
    let mut response = Response::builder().status(instead.status).header("content-type", "application/json");
    if let Some(seconds) = instead.retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Body::from(instead.body)).unwrap()
}
