import Foundation
import TestSupport
import Testing
import WebAPI
import WireFormat

/// Tests `stream.test`, by which a source is tried before it is a stream.
@Suite("Testing a source", .serialized)
struct SourceTestTests {
    private static let lobby = Fixtures.videos.appending(path: "lobby.mp4").path

    private func tried(_ web: Web, _ source: String) async throws -> (status: Int, body: JSONValue) {
        let json = ["-H", "Content-Type: application/json", "-d", source]
        let answer = try await web.curl("/api/v1/sources/test", json)
        return (answer.status, try JSONText.parse(Data(answer.body.utf8)))
    }

    private func loopback() async throws -> Web { try await Web(["sources: {addresses: [127.0.0.1]}"]) }

    @Test("a camera's codec, size, rate and first picture are told, and no stream is made of it")
    func camera() async throws {
        let web = try await loopback()
        let server = try await RTSPServer(["--file", Self.lobby, "--loop"])
        let (status, found) = try await tried(web, #"{"uri":"\#(server.uri)"}"#)
        #expect(status == 200 && found["plays"] == .bool(true) && found["live"] == .bool(true), "\(found)")
        // As ffprobe says of the film: H.264, 320x240, 25 frames a second.
        #expect(found["codec"]?.string == "H.264" && found["decoder"]?.string == "avdec_h264", "\(found)")
        #expect(found["width"]?.integer == 320 && found["height"]?.integer == 240)
        #expect(abs((found["fps"]?.double ?? 0) - 25) < 0.5, "\(found)")
        let file = FileManager.default.temporaryDirectory.appending(path: "tried-\(UUID()).jpg")
        let jpeg = try #require(Data(base64Encoded: found["picture"]?.string ?? ""))
        try jpeg.write(to: file)
        let size = try output(
            of: "ffprobe", ["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv", file.path])
        #expect(String(decoding: size, as: UTF8.self).hasPrefix("stream,mjpeg,320,240"))
        #expect(try await web.json("/api/v1/streams") == .array([]))
        // The connection was closed: a server that serves one client at a time would be free again.
        #expect(try await tried(web, #"{"uri":"\#(server.uri)"}"#).body["plays"] == .bool(true))
        server.kill()
        try FileManager.default.removeItem(at: file)
        await web.stop()
    }

    @Test("what has no decoder plays too, and a large picture is told at 320 pixels")
    func others() async throws {
        let web = try await loopback()
        let scene = try await tried(web, #"{"uri":"shapes://7"}"#).body
        #expect(
            scene["plays"] == .bool(true) && scene["decoder"] == nil && scene["width"]?.integer ?? 0 > 0, "\(scene)")
        let server = try await RTSPServer([
            "--launch",
            "videotestsrc is-live=true ! video/x-raw,format=I420,width=1280,height=720,framerate=10/1 ! jpegenc "
                + "! rtpjpegpay name=pay0 pt=26",
        ])
        let found = try await tried(web, #"{"uri":"\#(server.uri)"}"#).body
        #expect(found["codec"]?.string == "JPEG" && found["width"]?.integer == 1280, "\(found)")
        let jpeg = try #require(Data(base64Encoded: found["picture"]?.string ?? ""))
        // Height and width in the frame header (SOF0), after FF C0, a length and a precision.
        let at = try #require(jpeg.firstRange(of: Data([0xFF, 0xC0]))?.lowerBound)
        #expect(Array(jpeg[(at + 5)..<(at + 9)]) == [0, 180, 1, 64])
        server.kill()
        await web.stop()
    }

    @Test("what does not play says why, and what may not be opened is refused as a stream would be")
    func refused() async throws {
        let web = try await loopback()
        let port = try freePort()
        let (status, away) = try await tried(web, #"{"uri":"rtsp://me:hunter2@127.0.0.1:\#(port)/x?key=s3cret"}"#)
        let why = away["reason"]?.string ?? ""
        #expect(status == 200 && away["plays"] == .bool(false) && away["picture"] == nil, "\(away)")
        #expect(why.contains("refuses the connection") && why.contains("127.0.0.1"), "\(why)")
        #expect(!why.contains("hunter2") && !why.contains("s3cret"), "\(why)")
        let server = try await RTSPServer(["--file", Self.lobby, "--loop", "--user", "me:hunter2"])
        let locked = try await tried(web, #"{"uri":"\#(server.uri)"}"#).body["reason"]?.string ?? ""
        #expect(locked.contains("401") || locked.contains("password"), "\(locked)")
        for source in [
            #"{"uri":"rtsp://127.0.0.2/x"}"#, #"{"uri":"/etc/passwd"}"#, #"{"uri":"fd://0"}"#,
            #"{"uri":"custom","launch":"videotestsrc ! appsink name=frames"}"#,
            #"{"uri":"rtsp://127.0.0.1/x","credentials":"nobody"}"#,
        ] {
            let tested = try await tried(web, source)
            let named = #"{"name":"s","# + source.dropFirst()
            let added = try await web.curl(
                "/api/v1/streams", ["-H", "Content-Type: application/json", "-d", named])
            #expect(tested.status == 422 && added.status == 422, "\(source) \(tested)")
            #expect(try tested.body == JSONText.parse(Data(added.body.utf8)), "\(source)")
        }
        #expect(try await tried(web, #"{"uri":"shapes://7","name":"s"}"#).status == 400)
        server.kill()
        await web.stop()
    }

    @Test("two sources are tried at once; a third is told to wait, and the places are free again afterwards")
    func bounded() async throws {
        let web = try await loopback()
        // It accepts connections, and says nothing.
        let script =
            "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(9); "
            + "print(s.getsockname()[1]); k = [s.accept(), s.accept()]; print('two'); time.sleep(600)"
        let silent = try Program("/usr/bin/python3", ["-uc", script])
        let uri = #"{"uri":"rtsp://127.0.0.1:\#(try await silent.line())/x"}"#
        async let first = tried(web, uri)
        async let second = tried(web, uri)
        #expect(try await silent.line() == "two")
        let third = try await tried(web, #"{"uri":"shapes://7"}"#)
        #expect(third.status == 503 && third.body["error"]?["code"]?.string == "busy", "\(third)")
        for answer in try await [first, second] {
            #expect(answer.status == 200 && answer.body["plays"] == .bool(false), "\(answer)")
            #expect(answer.body["reason"]?.string?.isEmpty == false)
        }
        #expect(try await until { try await tried(web, #"{"uri":"shapes://7"}"#).body["plays"] == .bool(true) })
        silent.kill()
        await web.stop()
    }
}
