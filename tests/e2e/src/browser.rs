//! Debian's Chromium through `ChromeDriver`: one browser with an empty profile.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

/// How long the page may take for anything; on two busy cores much is slow, nothing is this slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keys as WebDriver numbers them (section 17.4.2, "Keyboard actions").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Enter,
    Escape,
    Tab,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    Shift,
    Control,
}

impl Key {
    fn value(self) -> char {
        match self {
            Self::Char(char) => char,
            Self::Enter => '\u{e007}',
            Self::Escape => '\u{e00c}',
            Self::Tab => '\u{e004}',
            Self::Backspace => '\u{e003}',
            Self::Up => '\u{e013}',
            Self::Down => '\u{e015}',
            Self::Left => '\u{e012}',
            Self::Right => '\u{e014}',
            Self::Home => '\u{e011}',
            Self::End => '\u{e010}',
            Self::Shift => '\u{e008}',
            Self::Control => '\u{e009}',
        }
    }
}

#[derive(Debug)]
pub struct Browser {
    driver: Child,
    wire: Client,
    session: String,
    _profile: TempDir,
}

/// A line of the page's console.
#[derive(Clone, Debug)]
pub struct ConsoleLine {
    pub level: String,
    pub message: String,
}

impl Browser {
    /// Starts driver and browser; the window is `width` by `height` CSS pixels.
    pub fn start(width: u32, height: u32) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting chromedriver; `cargo xtask setup` installs it")?;
        let mut lines = BufReader::new(driver.stdout.take().context("no output")?).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let rest = line.split("successfully on port ").nth(1)?;
                rest.trim_end_matches('.').parse::<u16>().ok()
            })
            .context("chromedriver did not say its port")?;
        // Its later lines are of no use, but it must be able to write them.
        std::thread::spawn(move || lines.for_each(drop));
        let wire = Client::new(format!("http://127.0.0.1:{port}"));
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--force-device-scale-factor=1".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "script": 120_000 },
        }}});
        let mut browser = Self { driver, wire, session: String::new(), _profile: profile };
        let made = browser.request("POST", "/session", Some(&wanted))?;
        let id = made["sessionId"].as_str().context("no session")?;
        browser.session = format!("/session/{id}");
        // The window's frame takes some of the size; the page is to have all of it.
        browser.cdp(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        )?;
        // What the browser's own first page asks for is no matter of the product.
        browser.goto("about:blank")?;
        browser.requests()?;
        Ok(browser)
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(serde_json::to_vec).transpose()?;
        let answer = self.wire.send(method, path, body, "application/json")?;
        let mut value: Value =
            serde_json::from_slice(&answer.body).context("reading chromedriver's answer")?;
        let value = value["value"].take();
        if answer.status == 200 {
            return Ok(value);
        }
        let message =
            value["message"].as_str().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        bail!("{}: {message}", value["error"].as_str().unwrap_or("webdriver"))
    }

    fn command(&self, path: &str, body: &Value) -> Result<Value> {
        self.request("POST", &format!("{}{path}", self.session), Some(body))
    }

    /// A command of the Chrome DevTools protocol.
    pub fn cdp(&self, method: &str, params: &Value) -> Result<Value> {
        self.command("/goog/cdp/execute", &json!({ "cmd": method, "params": params }))
    }

    pub fn goto(&self, url: &str) -> Result<()> {
        self.command("/url", &json!({ "url": url })).map(drop)
    }

    pub fn reload(&self) -> Result<()> {
        self.command("/refresh", &json!({})).map(drop)
    }

    /// Throws all cookies away, `HttpOnly` ones too.
    pub fn forget_cookies(&self) -> Result<()> {
        self.request("DELETE", &format!("{}/cookie", self.session), None).map(drop)
    }

    pub fn url(&self) -> Result<String> {
        let url = self.request("GET", &format!("{}/url", self.session), None)?;
        Ok(url.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a function body in the page; `arguments` holds what is passed.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Result<Value> {
        self.command("/execute/sync", &json!({ "script": body, "args": arguments }))
    }

    /// The same, for a body that calls its last argument when it is done.
    pub fn script_async(&self, body: &str, arguments: &[Value]) -> Result<Value> {
        self.command("/execute/async", &json!({ "script": body, "args": arguments }))
    }

    /// Presses and releases keys one after the other, wherever the focus is.
    pub fn press(&self, keys: &[Key]) -> Result<()> {
        let strokes: Vec<Value> = keys
            .iter()
            .flat_map(|key| {
                let value = key.value().to_string();
                [json!({ "type": "keyDown", "value": value }), json!({ "type": "keyUp", "value": value })]
            })
            .collect();
        self.strokes(&strokes)
    }

    /// Types text, wherever the focus is.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.press(&text.chars().map(Key::Char).collect::<Vec<_>>())
    }

    /// Holds `holding` while `key` is pressed.
    pub fn chord(&self, holding: Key, key: Key) -> Result<()> {
        self.hold(holding, &[key])
    }

    /// Holds a key while others are pressed one after the other.
    pub fn hold(&self, holding: Key, keys: &[Key]) -> Result<()> {
        let held = holding.value().to_string();
        let mut strokes = vec![json!({ "type": "keyDown", "value": held })];
        for key in keys {
            let value = key.value().to_string();
            strokes.push(json!({ "type": "keyDown", "value": value }));
            strokes.push(json!({ "type": "keyUp", "value": value }));
        }
        strokes.push(json!({ "type": "keyUp", "value": held }));
        self.strokes(&strokes)
    }

    fn strokes(&self, strokes: &[Value]) -> Result<()> {
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.command("/actions", &actions).map(drop)
    }

    /// Clicks the middle of the first element, which must be in view or come into it by scrolling.
    pub fn click(&self, css: &str) -> Result<()> {
        let element = self.element(css)?;
        self.command(&format!("/element/{element}/click"), &json!({}))
            .with_context(|| format!("clicking {css}"))?;
        Ok(())
    }

    /// Puts a file into a file input.
    pub fn upload(&self, css: &str, file: &Path) -> Result<()> {
        let element = self.element(css)?;
        self.command(&format!("/element/{element}/value"), &json!({ "text": file.display().to_string() }))
            .map(drop)
    }

    fn element(&self, css: &str) -> Result<String> {
        let found = self.wait(css, || {
            let found = self.command("/elements", &json!({ "using": "css selector", "value": css }))?;
            let first = found.get(0).and_then(Value::as_object).and_then(|element| element.values().next());
            Ok(first.and_then(Value::as_str).map(str::to_owned))
        })?;
        Ok(found)
    }

    /// Waits until an element is there and takes up room.
    pub fn see(&self, css: &str) -> Result<()> {
        self.wait(css, || {
            let seen = self.script(
                "const e = document.querySelector(arguments[0]); return !!e && e.getClientRects().length > 0",
                &[json!(css)],
            )?;
            Ok((seen == json!(true)).then_some(()))
        })
    }

    /// Waits until no element matches.
    pub fn gone(&self, css: &str) -> Result<()> {
        self.wait(&format!("no {css}"), || Ok((self.count(css)? == 0).then_some(())))
    }

    pub fn count(&self, css: &str) -> Result<u64> {
        let count = self.script("return document.querySelectorAll(arguments[0]).length", &[json!(css)])?;
        Ok(count.as_u64().unwrap_or(0))
    }

    /// The visible text of the first match; none if there is no match.
    pub fn text(&self, css: &str) -> Result<Option<String>> {
        let text = self.script(
            "const e = document.querySelector(arguments[0]); return e && e.innerText",
            &[json!(css)],
        )?;
        Ok(text.as_str().map(str::to_owned))
    }

    pub fn attribute(&self, css: &str, name: &str) -> Result<Option<String>> {
        let value = self.script(
            "const e = document.querySelector(arguments[0]); return e && e.getAttribute(arguments[1])",
            &[json!(css), json!(name)],
        )?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// Waits until the first match's text holds the words.
    pub fn reads(&self, css: &str, words: &str) -> Result<()> {
        self.wait(&format!("{css} to read \"{words}\""), || {
            Ok(self.text(css)?.filter(|text| text.contains(words)).map(drop))
        })
    }

    /// Asks again and again until there is an answer. Errors of the page being exchanged under it count as none.
    pub fn wait<T>(&self, what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let started = Instant::now();
        let mut last = None;
        while started.elapsed() < PATIENCE {
            match ask() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => last = None,
                Err(error) => last = Some(error),
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        let page = self.text("body").ok().flatten().unwrap_or_default();
        let page: String = page.chars().take(600).collect();
        let error = last.map(|error| format!(" ({error:#})")).unwrap_or_default();
        bail!("waited {} s for {what}{error}; the page at {} reads:\n{page}", PATIENCE.as_secs(), self.url()?)
    }

    /// `prefers-color-scheme`: light or dark.
    pub fn color_scheme(&self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.cdp("Emulation.setEmulatedMedia", &features).map(drop)
    }

    /// Writes a picture of what the window shows.
    pub fn screenshot(&self, file: &Path) -> Result<()> {
        let shot = self.request("GET", &format!("{}/screenshot", self.session), None)?;
        let bytes = decode_base64(shot.as_str().unwrap_or_default()).context("the picture is no base64")?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, bytes).with_context(|| file.display().to_string())
    }

    /// The console's lines since the last call.
    pub fn console(&self) -> Result<Vec<ConsoleLine>> {
        let lines = self.command("/se/log", &json!({ "type": "browser" }))?;
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        Ok(lines
            .as_array()
            .into_iter()
            .flatten()
            .map(|line| ConsoleLine { level: text(line, "level"), message: text(line, "message") })
            .collect())
    }

    /// Addresses that the page asked for since the last call.
    pub fn requests(&self) -> Result<Vec<String>> {
        let lines = self.command("/se/log", &json!({ "type": "performance" }))?;
        Ok(lines
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|line| serde_json::from_str::<Value>(line["message"].as_str()?).ok())
            .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
            .filter_map(|event| event["message"]["params"]["request"]["url"].as_str().map(str::to_owned))
            .collect())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Closes Chromium; without it the browser would outlive its driver.
            let _ = self.request("DELETE", &self.session, None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// RFC 4648, section 4; pictures come in it.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=' && !byte.is_ascii_whitespace()) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        assert_eq!(decode_base64("T3ZlcnJlYWQ=").as_deref(), Some(&b"Overread"[..]));
        assert_eq!(decode_base64("AP8").as_deref(), Some(&[0, 255][..]));
        assert_eq!(decode_base64("A*"), None);
    }
}
