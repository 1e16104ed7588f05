import Foundation
import Ingest
import StreamSources
import TestSupport
import Testing

@Suite("What is for nobody's eyes")
struct SecretsTests {
    @Test(
        "is taken out of URIs, launch lines and sentences",
        arguments: [
            ("rtsp://me:secret@camera/1", "rtsp://camera/1"),
            ("rtsp://secret@camera", "rtsp://camera"),
            ("rtsp://me:se:cret@secret@camera:554/1", "rtsp://camera:554/1"),
            ("rtsp://me:sec/ret@camera/1", "rtsp://camera/1"),
            ("rtsp://me:\u{301}secret@camera", "rtsp://camera"),
            ("http://cam/v?token=secret&a=1", "http://cam/v?token=…&a=1"),
            ("http://cam/v?a=1&Access_Token=secret#x", "http://cam/v?a=1&Access_Token=…#x"),
            ("http://cam/v?password=\u{301}secret", "http://cam/v?password=…"),
            ("http://cam/v?user=me;pwd=secret;x=1", "http://cam/v?user=me;pwd=…;x=1"),
            ("http://me:secret@cam/v?auth=secret&key=secret", "http://cam/v?auth=…&key=…"),
            ("rtspsrc location=rtsp://a user-pw=\"a secret\" ! x", "rtspsrc location=rtsp://a user-pw=\"…\" ! x"),
            ("found the text \"rtsp://me:secretsecretsec\"", "found the text \"rtsp://…\""),
            ("cannot open rtsp://me:secret@cam/1, nor http://u:secret@b", "cannot open rtsp://cam/1, nor http://b"),
            ("http://cam/v?p=secret&u=me", "http://cam/v?p=…&u=me"),
            ("http://cam/v?jwt=secret", "http://cam/v?jwt=…"),
            ("http://cam/v?code=secret", "http://cam/v?code=…"),
            ("http://cam/v?hash=secret", "http://cam/v?hash=…"),
            ("http://cdn/live/1.m3u8?hdnts=exp=1~acl=/*~hmac=secret", "http://cdn/live/1.m3u8?hdnts=…"),
            (
                "https://s3/a/1.mp4?X-Amz-Signature=secret&X-Amz-Date=secret",
                "https://s3/a/1.mp4?X-Amz-Signature=…&…"
            ),
            ("srt://host:7001?mode=caller&streamid=#!::r=secret,u=me", "srt://host:7001?mode=caller&streamid=#…"),
            ("srt://host:7001?latency=200&passphrase=secret", "srt://host:7001?latency=200&passphrase=…"),
            ("rtsp://host/user=a_password=secret_channel=1", "rtsp://host/…"),
            ("rtmp://host/live/secret", "rtmp://host/live/…"),
            ("rtmp://host/secret/live: no", "rtmp://host/…/live: no"),
            ("http://cam/?hunter2", "http://cam/?…"), ("http://cam/v?hunter2=1&x=secret", "http://cam/v?…&x=…"),
            ("http://cam/v#hunter2", "http://cam/v#…"), ("http://cam/v;jsessionid=secret", "http://cam/…"),
            ("https://cam/stream2/secret.m3u8?channel=secret", "https://cam/stream2/…?channel=…"),
            ("http://cam/%73ecret/live", "http://cam/…/live"), ("rtsp://cam/12345678", "rtsp://cam/…"),
            ("RTSP://cam/secret", "RTSP://cam/…"), ("(rtsp://cam/secret), then", "(rtsp://cam/…), then"),
            ("rtsp://cam:554/secret\nrtsp://b/secret", "rtsp://cam:554/…\nrtsp://b/…"),
            ("rtspsrc location=rtsp://a/secret user-id=me", "rtspsrc location=rtsp://a/… user-id=me"),
            ("file:///a?token=secret", "file:///a?token=…"),
        ])
    func redacted(_ text: String, _ shown: String) {
        #expect(SourceURI.redacted(text) == shown)
        #expect(SourceURI.redacted(shown) == shown, "shown once more it is another")
    }

    @Test(
        "what is no secret stays as it is",
        arguments: [
            "rtsp://[::1]:8554/x", "rtsp://camera:554/Streaming/Channels/101",
            "rtsp://cam/cam/realmonitor?channel=1&subtype=0",
            "rtsp://cam/axis-media/media.amp?resolution=640x480&fps=5", "http://cam/mjpg/video.mjpg",
            "rtsp://cam: refused",
            "rtsp://cam/live/ch00_0", "srt://host:7001?mode=caller",
            "v4l2:///dev/v4l/by-id/usb-cam", "test://smpte", "shapes://7?seconds=9", "/a/path/with:colons@and=signs",
            "http://cam/v?monitor=1",
            "x264enc key-int-max=30 ! a", "file:///a%20b.mp4", "://", "=", "token=", "a://",
        ])
    func plain(_ text: String) {
        #expect(SourceURI.redacted(text) == text)
    }

    private func file(_ text: String, mode: Int = 0o600) throws -> String {
        let path = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID())").path
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
        return path
    }

    @Test("credentials are the first line of a file, up to its first colon")
    func credentials() throws {
        let found = try SourceCredentials(named: file("me:p:w @1\nmore\n"))
        #expect(found.user == "me" && found.password == "p:w @1")
    }

    @Test("a file of credentials that everybody may read, or that has none, is refused by a sentence without them")
    func refused() throws {
        for (text, mode, part) in [
            ("me:secret", 0o604, "other users can read"), ("me:secret", 0o640, "other users can read"),
            ("me:secret", 0o602, "other users can change"), ("me:secret", 0o620, "other users can change"),
            ("mesecret", 0o600, "user:password"),
            (":secret", 0o600, "user:password"), ("", 0o600, "user:password"),
            (String(repeating: "secret", count: 1000), 0o600, "4095 bytes"),
            ("me:sec\u{7}ret", 0o600, "must be a text"),
        ] {
            let path = try file(text, mode: mode)
            #expect { try SourceCredentials(named: path) } throws: {
                "\($0)".contains(part) && "\($0)".contains(path) && !"\($0)".contains("secret")
            }
        }
        #expect { try SourceCredentials(named: "/no/such") } throws: { "\($0)".contains("No such file") }
        #expect { try SourceCredentials(named: "/tmp") } throws: { "\($0)".contains("no file") }
        #expect { try SourceCredentials(named: "a-name") } throws: { "\($0)".contains("$CREDENTIALS_DIRECTORY") }
    }

    @Test("a source with credentials of its own and of a file, or that can have none, is refused")
    func twice() throws {
        let templates = try PipelineTemplates(directory: Fixtures.repository.appending(path: "Pipelines"))
        let path = try file("me:secret")
        let lobby = Fixtures.videos.appending(path: "lobby.mp4").path
        for (uri, part) in [("rtsp://you:other@camera/1", "a user already"), (lobby, "credentials are for URIs")] {
            let description = SourceDescription(uri: uri, fps: 1, side: 64, credentials: path)
            #expect {
                _ = try VideoSource(description, templates: templates, onFrame: { _ in }, onEvent: { _ in })
            } throws: { "\($0)".contains(part) && !"\($0)".contains("other") && !"\($0)".contains("secret") }
        }
    }
}
