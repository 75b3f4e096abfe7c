//! A bucket of S3-compatible storage: what the listing of its objects does not tell. Earlier versions of an object, what a
//! deletion leaves in its place, and uploads that were cut off are copies too, and age like the rest (I11).

use super::vault::{Found, Kept};
use crate::config::S3;
use crate::services::error::Error;
use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::prefix::PrefixStore;
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an answer at most: a page holds a thousand names.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// A bucket, or what lies under a prefix of it.
pub(super) struct Bucket {
    client: Client,
    url: Url,
    region: String,
    credential: AwsCredential,
    prefix: String,
}

fn away(error: impl std::fmt::Display) -> Error {
    std::io::Error::other(format!("the bucket of backups: {error}")).into()
}

/// What one page of a listing says of an entry.
fn text<'a>(entry: roxmltree::Node<'a, 'a>, name: &str) -> Option<&'a str> {
    entry.children().find(|n| n.tag_name().name() == name).and_then(|n| n.text())
}

fn time(entry: roxmltree::Node<'_, '_>, name: &str) -> Result<DateTime<Utc>, Error> {
    let text = text(entry, name).unwrap_or_default();
    Ok(DateTime::parse_from_rfc3339(text).map_err(|_| away(format!("{text:?} is no time")))?.to_utc())
}

/// The objects of a bucket.
pub(super) fn objects(settings: &S3) -> Result<Arc<dyn ObjectStore>, Error> {
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_endpoint(address(settings)?.as_str().trim_end_matches('/'))
        .with_virtual_hosted_style_request(settings.virtual_hosted)
        .with_access_key_id(&settings.access_key_id)
        .with_secret_access_key(settings.secret_access_key.expose_secret())
        .with_allow_http(settings.endpoint.starts_with("http://"));
    let store = builder.build().map_err(away)?;
    Ok(if settings.prefix.is_empty() {
        Arc::new(store)
    } else {
        Arc::new(PrefixStore::new(store, settings.prefix.as_str()))
    })
}

/// The endpoint, with the bucket before it where buckets are hosts.
fn address(settings: &S3) -> Result<Url, Error> {
    let mut url = Url::parse(&settings.endpoint).map_err(away)?;
    if settings.virtual_hosted {
        let host = format!("{}.{}", settings.bucket, url.host_str().unwrap_or_default());
        url.set_host(Some(&host)).map_err(away)?;
    }
    Ok(url)
}

impl Bucket {
    /// The bucket of the settings.
    pub(super) fn open(settings: &S3) -> Result<Self, Error> {
        let mut url = address(settings)?;
        if !settings.virtual_hosted {
            url.path_segments_mut()
                .map_err(|()| away("an endpoint is a web address"))?
                .pop_if_empty()
                .push(&settings.bucket);
        }
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_mins(1))
            .build()
            .map_err(away)?;
        let credential = AwsCredential {
            key_id: settings.access_key_id.clone(),
            secret_key: settings.secret_access_key.expose_secret().to_owned(),
            token: None,
        };
        let prefix = if settings.prefix.is_empty() { String::new() } else { format!("{}/", settings.prefix) };
        Ok(Self { client, url, region: settings.region.clone(), credential, prefix })
    }

    /// A signed request; its status and text.
    async fn call(&self, method: Method, key: &str, query: &[(&str, &str)]) -> Result<(StatusCode, String), Error> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| away("an endpoint is a web address"))?
            .pop_if_empty()
            .extend(key.split('/').filter(|part| !part.is_empty()));
        url.query_pairs_mut().extend_pairs(query);
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method.clone();
        *request.uri_mut() = url.as_str().parse().map_err(away)?;
        AwsAuthorizer::new(&self.credential, "s3", &self.region).try_authorize(&mut request, None).map_err(away)?;
        let sent = self.client.request(method, url).headers(request.headers().clone()).send().await;
        let mut answer = sent.map_err(away)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(away)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST_ANSWER {
                return Err(away("it answers with too much"));
            }
        }
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Every page of a listing: what it asks for besides `what`, and what is made of each page.
    async fn pages(
        &self,
        what: &str,
        markers: [(&str, &str); 2],
        mut each: impl FnMut(&roxmltree::Document<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let mut after: [Option<String>; 2] = [None, None];
        loop {
            let mut query = vec![(what, ""), ("prefix", self.prefix.as_str())];
            for ((asked, _), value) in markers.iter().zip(&after) {
                query.extend(value.as_deref().map(|v| (*asked, v)));
            }
            let (status, body) = self.call(Method::GET, "", &query).await?;
            if matches!(status, StatusCode::NOT_IMPLEMENTED | StatusCode::METHOD_NOT_ALLOWED) {
                return Ok(false);
            }
            if !status.is_success() {
                return Err(away(format!("it answers {status} to a listing of its {what}")));
            }
            let page = roxmltree::Document::parse(&body).map_err(away)?;
            each(&page)?;
            let root = page.root_element();
            if text(root, "IsTruncated") != Some("true") {
                return Ok(true);
            }
            let next = markers.map(|(_, told)| text(root, told).map(str::to_owned));
            if next == after {
                return Err(away(format!("the listing of its {what} does not go on")));
            }
            after = next;
        }
    }

    /// Every version of every object, what deletions left, and uploads that were cut off. None where the storage keeps no versions
    /// and says so.
    pub(super) async fn list_all(&self) -> Result<Option<Vec<Found>>, Error> {
        let mut all = Vec::new();
        let inside = |key: &str| key.strip_prefix(&self.prefix).map(str::to_owned);
        let knows_versions = self
            .pages(
                "versions",
                [("key-marker", "NextKeyMarker"), ("version-id-marker", "NextVersionIdMarker")],
                |page| {
                    for entry in page.root_element().children() {
                        let is_marker = entry.tag_name().name() == "DeleteMarker";
                        if !is_marker && entry.tag_name().name() != "Version" {
                            continue;
                        }
                        let Some(key) = text(entry, "Key").and_then(inside) else { continue };
                        let bytes = text(entry, "Size").and_then(|n| n.parse().ok()).unwrap_or_default();
                        let version = text(entry, "VersionId").unwrap_or("null").to_owned();
                        let is_newest = text(entry, "IsLatest") == Some("true") && !is_marker;
                        all.push(Found {
                            key,
                            modified_at: time(entry, "LastModified")?,
                            bytes,
                            kept: Kept::Version { version, is_newest },
                        });
                    }
                    Ok(())
                },
            )
            .await?;
        if !knows_versions {
            return Ok(None);
        }
        self.pages("uploads", [("key-marker", "NextKeyMarker"), ("upload-id-marker", "NextUploadIdMarker")], |page| {
            for entry in page.root_element().children().filter(|n| n.tag_name().name() == "Upload") {
                let Some(key) = text(entry, "Key").and_then(inside) else { continue };
                let upload = text(entry, "UploadId").unwrap_or_default().to_owned();
                all.push(Found { key, modified_at: time(entry, "Initiated")?, bytes: 0, kept: Kept::Upload(upload) });
            }
            Ok(())
        })
        .await?;
        Ok(Some(all))
    }

    /// Removes a version or an upload for good; one already gone is fine.
    pub(super) async fn delete(&self, key: &str, query: (&str, &str)) -> Result<(), Error> {
        let (status, _) = self.call(Method::DELETE, &format!("{}{key}", self.prefix), &[query]).await?;
        if status.is_success() || status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(away(format!("it answers {status} to the removal of {key}")))
    }
}
