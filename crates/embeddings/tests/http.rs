//! The embedder behind HTTP, against a server of the test's own that answers as it is told.
#![allow(clippy::unwrap_used)] // a test may stop

use embeddings::{EmbedError, Embedder as _, HttpEmbedder};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Answers request by request: status line and further headers, and body; the last answer again and again. Keeps what it
/// was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/embeddings", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &answers, &kept);
            }
        });
        Self { url, asked }
    }

    async fn connect(&self) -> Result<HttpEmbedder, EmbedError> {
        HttpEmbedder::connect(self.url.parse().unwrap(), "small".to_owned(), Some("s3cret".to_owned()), 64).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, answers: &[(&str, String)], kept: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line.to_lowercase());
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut asked = kept.lock().unwrap();
    asked.push(format!("{head}\n{}", String::from_utf8_lossy(&body)));
    let (status, body) = &answers[asked.len().min(answers.len()) - 1];
    let length = body.len() + usize::from(status.ends_with(BROKEN_OFF));
    let reply = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(reply.as_bytes()).unwrap();
}

/// An answer with this reason is not sent to its end.
const BROKEN_OFF: &str = "Broken Off";

fn vectors(numbers: &[&str]) -> String {
    // in the reverse order, as the interface allows
    let data: Vec<String> = numbers
        .iter()
        .enumerate()
        .rev()
        .map(|(index, numbers)| format!(r#"{{"object":"embedding","index":{index},"embedding":[{numbers}]}}"#))
        .collect();
    format!(r#"{{"data":[{}],"usage":{{"prompt_tokens":5,"total_tokens":5}}}}"#, data.join(","))
}

#[tokio::test]
async fn texts_become_vectors_of_length_one_in_their_order() {
    let server = Server::start(vec![("200 OK", vectors(&["1,0"])), ("200 OK", vectors(&["3,4", "0,2"]))]);
    let embedder = server.connect().await.unwrap();
    assert_eq!((embedder.dimensions(), embedder.model()), (2, "small"));
    let vectors = embedder.embed(&["one", "two"]).await.unwrap();
    assert_eq!(vectors, [vec![0.6, 0.8], vec![0.0, 1.0]]);
    let asked = &server.asked()[1];
    assert!(asked.contains("authorization: bearer s3cret") && asked.contains(r#""input":["one","two"]"#), "{asked}");
    assert!(!format!("{embedder:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_refusal_is_told() {
    let busy = ("429 Too Many Requests\r\nretry-after: 0", String::new());
    let server =
        Server::start(vec![busy.clone(), ("503 Service Unavailable", String::new()), ("200 OK", vectors(&["1"]))]);
    assert_eq!(server.connect().await.unwrap().dimensions(), 1);
    assert_eq!(server.asked().len(), 3);
    let server = Server::start(vec![("401 Unauthorized", "no such key".to_owned())]);
    let refused = server.connect().await.unwrap_err();
    assert!(
        matches!(&refused, EmbedError::Refused(why) if why.contains("401") && !why.contains("no such key")),
        "{refused}"
    );
    assert_eq!(server.asked().len(), 1, "it is not asked again");
    assert!(!refused.to_string().contains("s3cret"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let server = Server::start(vec![("200 Broken Off", vectors(&["1"])), ("200 OK", vectors(&["1"]))]);
    assert_eq!(server.connect().await.unwrap().dimensions(), 1);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_question_is_refused() {
    for odd in ["{}".to_owned(), "words".to_owned(), vectors(&["1", "2"]), vectors(&[]), vectors(&[""])] {
        let server = Server::start(vec![("200 OK", odd.clone())]);
        let refused = server.connect().await.unwrap_err();
        assert!(matches!(refused, EmbedError::Malformed(_)), "{odd}: {refused}");
    }
}

#[tokio::test]
async fn many_texts_are_asked_in_batches() {
    let batch = vec!["1"; 64];
    let server = Server::start(vec![
        ("200 OK", vectors(&["1"])),
        ("200 OK", vectors(&batch)),
        ("200 OK", vectors(&batch[..36])),
    ]);
    let embedder = server.connect().await.unwrap();
    assert_eq!(embedder.embed(&vec!["text"; 100]).await.unwrap().len(), 100);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let url = "http://127.0.0.1:1/v1/embeddings".parse().unwrap();
    let failed = HttpEmbedder::connect(url, "m".to_owned(), None, 64).await.unwrap_err();
    assert!(matches!(failed, EmbedError::Unavailable(_)), "{failed}");
}

/// What a server of embeddings does with some texts.
type Habit = Box<dyn Fn(&[String]) -> (&'static str, String) + Send>;

/// A server with a habit, and how many texts each request brought.
fn habitual(habit: Habit) -> (String, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/embeddings", listener.local_addr().unwrap());
    let counts = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&counts);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let texts: Vec<String> =
                asked["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
            kept.lock().unwrap().push(texts.len());
            let (status, body) = habit(&texts);
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    (url, counts)
}

/// One number a text: how long it is.
fn lengths(texts: &[String]) -> (&'static str, String) {
    let data: Vec<serde_json::Value> =
        texts.iter().map(|text| serde_json::json!({ "embedding": [text.len(), 1] })).collect();
    ("200 OK", serde_json::json!({ "data": data }).to_string())
}

async fn asking(url: &str, batch: usize) -> HttpEmbedder {
    HttpEmbedder::connect(url.parse().unwrap(), "small".to_owned(), None, batch).await.unwrap()
}

fn texts(count: usize) -> Vec<String> {
    (1..=count).map(|length| "x".repeat(length)).collect()
}

fn is_in_order(vectors: &[Vec<f32>]) -> bool {
    vectors.windows(2).all(|pair| pair[0].is_empty() || pair[1].is_empty() || pair[0][0] < pair[1][0])
}

#[tokio::test]
async fn a_server_that_takes_fewer_texts_is_asked_with_fewer_from_then_on() {
    for most in [50, 32, 16, 10, 3, 1] {
        let (url, counts) = habitual(Box::new(move |texts| {
            if texts.len() > most { ("422 Unprocessable Entity", String::new()) } else { lengths(texts) }
        }));
        let embedder = asking(&url, 64).await;
        let texts = texts(150);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts).await.unwrap();
        assert!(vectors.len() == 150 && vectors.iter().all(|it| it.len() == 2) && is_in_order(&vectors), "{most}");
        counts.lock().unwrap().clear();
        embedder.embed(&texts).await.unwrap();
        assert!(counts.lock().unwrap().iter().all(|count| *count <= most), "{most}: it is remembered");
    }
    let (url, counts) = habitual(Box::new(lengths));
    asking(&url, 10).await.embed(&["text"; 25]).await.unwrap();
    assert_eq!(*counts.lock().unwrap(), [1, 10, 10, 5], "or it is set");
}

#[tokio::test]
async fn a_text_that_is_not_taken_has_no_vector_and_all_others_have() {
    for status in [
        "400 Bad Request",
        "403 Forbidden",
        "404 Not Found",
        "413 Payload Too Large",
        "422 Unprocessable Entity",
        "451 Unavailable For Legal Reasons",
        "500 Internal Server Error",
        "200 OK",
    ] {
        let (url, counts) = habitual(Box::new(move |texts| {
            if texts.iter().any(|text| text.len() == 17) {
                (status, "said: xxxxxxxxxxxxxxxxx".to_owned())
            } else {
                lengths(texts)
            }
        }));
        let embedder = asking(&url, 64).await;
        let texts = texts(40);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts).await.unwrap();
        let empty: Vec<usize> = (0..40).filter(|at| vectors[*at].is_empty()).collect();
        assert_eq!((vectors.len(), empty), (40, vec![16]), "{status}");
        assert!(is_in_order(&vectors));
        counts.lock().unwrap().clear();
        embedder.embed(&["y"; 40]).await.unwrap();
        assert_eq!(*counts.lock().unwrap(), [40], "{status}: it was a text, and not how many");
    }
}

#[tokio::test]
async fn a_text_that_is_not_taken_makes_no_request_smaller_wherever_it_stands() {
    for refused in [1, 2, 16, 17, 32, 33, 40] {
        let (url, counts) = habitual(Box::new(move |texts| {
            if texts.iter().any(|text| text.len() == refused) {
                ("400 Bad Request", String::new())
            } else {
                lengths(texts)
            }
        }));
        let embedder = asking(&url, 32).await;
        let texts = texts(40);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts).await.unwrap();
        assert!((0..40).all(|at| vectors[at].is_empty() == (at + 1 == refused)), "{refused}");
        counts.lock().unwrap().clear();
        embedder.embed(&["y".repeat(99).as_str(); 64]).await.unwrap();
        assert_eq!(*counts.lock().unwrap(), [32, 32], "{refused}");
    }
}

#[tokio::test]
async fn a_server_that_takes_nothing_any_more_is_told_and_not_asked_text_by_text() {
    let (url, counts) = habitual(Box::new({
        let times = std::sync::atomic::AtomicUsize::new(0);
        move |texts| match times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => lengths(texts),
            _ => ("400 Bad Request", "the key s3cret is over".to_owned()),
        }
    }));
    let failed = asking(&url, 64).await.embed(&["text"; 64]).await.unwrap_err();
    assert!(matches!(&failed, EmbedError::TooMuch(why) if !why.contains("s3cret")), "{failed}");
    assert_eq!(counts.lock().unwrap().len(), 3, "the first, the batch, and whether it is the batch");
}

#[tokio::test]
async fn vectors_of_another_length_than_before_are_told_with_what_to_do() {
    let (url, _) = habitual(Box::new({
        let times = std::sync::atomic::AtomicUsize::new(0);
        move |texts| {
            let wide = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0;
            let one = if wide { "[1,0,0]" } else { "[1,0]" };
            ("200 OK", vectors(&vec![one.trim_matches(['[', ']']); texts.len()]))
        }
    }));
    let failed = asking(&url, 64).await.embed(&["text"]).await.unwrap_err().to_string();
    assert!(failed.contains("3 numbers") && failed.contains("start it anew"), "{failed}");
}
