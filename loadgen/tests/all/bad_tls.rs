//! TLS, good and bad: certificates that must not be trusted, handshakes that come to nothing, and one that works.

use std::fs;
use std::sync::Arc;

use crate::common::bad::{fails_as, fails_with};
use crate::common::{GOOD, Server, pause, request, run};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// Who signs the certificates of these tests.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// The server's side of a connection.
pub(crate) type Tls = TlsStream<TcpStream>;

/// A server that greets everybody under this certificate, and gives each connection to `handle`.
fn server<F, T>(certificate: CertificateDer<'static>, key: &KeyPair, handle: F) -> Server
where
    F: Fn(Tls) -> T + Copy + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                handle(stream).await;
            }
        }
    })
}

/// Answers whatever is asked.
async fn answer(mut stream: Tls) {
    while request(&mut stream).await {
        if stream.write_all(GOOD).await.is_err() {
            return;
        }
    }
}

/// A server whose certificate the authority has signed, and the line of a plan that trusts the authority.
fn signed(parameters: &CertificateParams) -> (Server, tempfile::TempDir, String) {
    signed_as(parameters, answer)
}

/// The same for this machine, with connections that `handle` answers.
pub(crate) fn signed_with<F, T>(handle: F) -> (Server, tempfile::TempDir, String)
where
    F: Fn(Tls) -> T + Copy + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    signed_as(&named("127.0.0.1"), handle)
}

fn signed_as<F, T>(parameters: &CertificateParams, handle: F) -> (Server, tempfile::TempDir, String)
where
    F: Fn(Tls) -> T + Copy + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let (authority, key) = (authority(), KeyPair::generate().unwrap());
    let certificate = parameters.signed_by(&key, &authority).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    fs::write(&path, authority.pem()).unwrap();
    let line = format!("tls = {{ ca = {:?} }}", path.to_str().unwrap());
    (server(certificate.der().clone(), &key, handle), folder, line)
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

fn https(server: &Server) -> String {
    server.url().replace("http:", "https:")
}

#[test]
fn a_certificate_of_the_plans_own_authority_is_trusted_and_handshakes_are_timed() {
    let (server, folder, ca) = signed(&named("127.0.0.1"));
    let plan = format!(
        "{ca}\narrivals = \"constant\"\nusers = 4\nconnections = \"new\"\nsteps = [{{ rate = \"40/s\", seconds = 1 }}]"
    );
    let step = run(&https(&server), &plan, folder.path()).steps.remove(0);
    assert_eq!((step.completed, step.failures()), (39, 0), "{:?}", step.failed);
    let opened = step.connections.unwrap();
    assert_eq!((opened.connect.count, opened.tls.count), (39, 39));
    // A handshake of TLS has asymmetric cryptography on both sides; one of TCP on this machine has a trip through the
    // kernel. Both are parts of the service time.
    assert!(opened.tls.p50_us > opened.connect.p50_us, "{opened:?}");
    assert!(opened.connect.mean_us + opened.tls.mean_us < step.service.mean_us, "{opened:?} {}", step.service.mean_us);
}

#[test]
fn a_slow_handshake_is_in_the_time_of_tls_and_not_in_that_of_tcp() {
    let (inner, folder, ca) = signed(&named("127.0.0.1"));
    // Something before the server that holds back what it says first.
    let behind = inner.address;
    let server = Server::start(move |mut stream| async move {
        pause(50).await;
        if let Ok(mut server) = TcpStream::connect(behind).await {
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        }
    });
    let plan = format!(
        "{ca}\narrivals = \"constant\"\nusers = 4\nconnections = \"new\"\nsteps = [{{ rate = \"20/s\", seconds = 1 }}]"
    );
    let step = run(&https(&server), &plan, folder.path()).steps.remove(0);
    assert_eq!((step.completed, step.failures()), (19, 0), "{:?}", step.failed);
    let opened = step.connections.unwrap();
    assert!(opened.tls.p50_us >= 50_000 && opened.connect.p50_us < 50_000, "{opened:?}");
}

#[test]
fn nobody_signed_the_certificate() {
    let key = KeyPair::generate().unwrap();
    let certificate = named("127.0.0.1").self_signed(&key).unwrap();
    let server = server(certificate.der().clone(), &key, answer);
    fails_as("tls", "has a certificate that it signed itself", &https(&server));
}

#[test]
fn an_unknown_authority_signed_the_certificate() {
    let (server, ..) = signed(&named("127.0.0.1"));
    fails_as("tls", "has a certificate of an authority that nobody trusts", &https(&server));
}

#[test]
fn the_certificate_has_expired() {
    let mut parameters = named("127.0.0.1");
    (parameters.not_before, parameters.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
    let (server, _folder, ca) = signed(&parameters);
    fails_with("tls", "has a certificate that has expired", &https(&server), &ca);
}

#[test]
fn the_certificate_is_of_the_future() {
    let mut parameters = named("127.0.0.1");
    (parameters.not_before, parameters.not_after) = (date_time_ymd(3019, 1, 1), date_time_ymd(3020, 1, 1));
    let (server, _folder, ca) = signed(&parameters);
    fails_with("tls", "has a certificate that is not valid yet", &https(&server), &ca);
}

#[test]
fn the_certificate_is_of_another() {
    let (server, _folder, ca) = signed(&named("staging.example.org"));
    fails_with("tls", "has a certificate for another name", &https(&server), &ca);
}

#[test]
fn the_server_speaks_no_tls() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        pause(1_000).await;
    });
    fails_as("tls", "speaks HTTP where TLS was asked for", &https(&server));
}

#[test]
fn the_handshake_is_garbage() {
    let server = Server::start(|mut stream| async move {
        // The head of a record of a handshake, and then no handshake.
        let _ = stream.write_all(b"\x16\x03\x03\x00\x20garbage, garbage, garbage, garba").await;
        pause(1_000).await;
    });
    fails_as("tls", "answers a TLS handshake with garbage", &https(&server));
}

#[test]
fn the_server_hangs_up_during_the_handshake() {
    let server = Server::start(|mut stream| async move {
        let mut hello = [0; 64];
        let _ = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut hello).await;
        let _ = stream.shutdown().await;
        pause(100).await;
    });
    fails_as("tls", "closes during the TLS handshake", &https(&server));
}

#[test]
fn the_handshake_never_comes() {
    let server = Server::start(|stream| async move {
        pause(60_000).await;
        drop(stream);
    });
    fails_as("timeout", "takes the connection and never begins TLS", &https(&server));
}
