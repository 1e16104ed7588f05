import Foundation
import Ingest
import StreamSources
import TestSupport
import Testing

@Suite("What a client may open")
struct SourcePolicyTests {
    private func refusal(_ uri: String, _ policy: SourcePolicy = SourcePolicy(), template: String? = nil) -> String? {
        do throws(SourceError) {
            try policy.check(SourceDescription(uri: uri, template: template, fps: 1, side: 8))
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "addresses that only this machine reaches, and metadata, are known in every form",
        arguments: [
            "0.0.0.0", "0", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "017700000001",
            "127.255.255.254",
            "169.254.169.254", "2852039166", "0xa9fea9fe", "255.255.255.255", "224.0.0.1", "100.100.100.200",
            "168.63.129.16", "192.0.0.192", "::", "::1", "fe80::1", "fe80::1%eth0", "febf::1", "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1",
            "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::1", "fe80::5efe:7f00:1", "2a00::5efe:7f00:1",
            "2001:0:1:2:3:4:80ff:fffe",
        ])
    func special(_ text: String) throws {
        #expect(try !#require(NetworkAddress(text)).isOrdinary)
    }

    @Test(
        "addresses of networks are ordinary",
        arguments: [
            "10.0.0.5", "192.168.1.20", "172.16.0.1", "100.64.0.1", "8.8.8.8", "168.63.129.17", "fd12::1",
            "2a00:1450::1",
            "::ffff:10.0.0.5", "64:ff9b::808:808",
        ])
    func ordinary(_ text: String) throws {
        #expect(try #require(NetworkAddress(text)).isOrdinary)
    }

    @Test("an address of the configuration is reached in every form, and its neighbour is not")
    func ranges() throws {
        var policy = SourcePolicy()
        policy.addresses = [try #require(AddressRange("127.0.0.2")), try #require(AddressRange("169.254.8.0/21"))]
        for uri in ["rtsp://127.0.0.2/", "rtsp://169.254.15.255/", "http://[::ffff:127.0.0.2]/x"] {
            #expect(refusal(uri, policy) == nil, "\(uri)")
        }
        for uri in ["rtsp://127.0.0.3/", "rtsp://169.254.16.0/", "rtsp://169.254.7.255/", "rtsp://localhost/"] {
            #expect(refusal(uri, policy)?.contains("may not reach") == true, "\(uri)")
        }
        for wrong in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "cam"] {
            #expect(AddressRange(wrong) == nil, "\(wrong)")
        }
    }

    @Test(
        "what is taken apart in two ways is refused",
        arguments: [
            "rtsp://a@b@c/", "rtsp://a\\@c/", "rtsp://a#@c/", "rtsp://a b/", "rtsp://a\tb/", "rtsp://a\u{0}b/",
            "rtsp://[::1/", "rtsp://[::1]x/", "rtsp://[a]/", "rtsp://a:b/", "rtsp://a:0/", "rtsp://a:70000/",
            "rtsp://a:1:2/",
            "rtsp://a%2eb/", "rtsp://ａ/", "rtsp://a;b/", "rtsp://a:1\n/", "rtsp:/a/", "//a/", "",
        ])
    func ambiguous(_ text: String) {
        #expect(throws: StrictURI.Problem.self) { try StrictURI(text) }
    }

    @Test("a URI is put together again as it was, and credentials' hosts match hosts alone")
    func hosts() throws {
        let uri = try StrictURI("RTSP://me:pw@Camera-1.:8554/a?b#c")
        #expect(uri.host == "camera-1" && uri.port == 8554 && uri.user == "me:pw" && uri.rest == "/a?b#c")
        #expect(try StrictURI("srt://[2001:db8::1]:9?x=1").with(user: nil) == "srt://[2001:db8::1]:9?x=1")
        func matches(_ pattern: String, _ uri: String) throws -> Bool {
            try #require(HostPattern(pattern)).matches(StrictURI(uri))
        }
        for (pattern, uri) in [
            ("camera-1", "rtsp://CAMERA-1/x"), ("camera-1", "rtsp://camera-1.:9/x"),
            ("camera-1:554", "rtsp://camera-1/x"),
            ("10.0.0.0/24", "rtsp://10.0.0.9/"), ("10.0.0.5:80", "http://10.0.0.5/"), ("::1", "rtsp://[0:0::1]/"),
            ("[::1]:554", "rtsp://[::1]/"),
        ] { #expect(try matches(pattern, uri), "\(pattern) \(uri)") }
        for (pattern, uri) in [
            ("camera-1", "rtsp://camera-1.evil.example/"), ("camera-1", "rtsp://xcamera-1/"),
            ("camera-1:554", "http://camera-1/"),
            ("10.0.0.0/24", "rtsp://10.0.1.9/"), ("10.0.0.5", "rtsp://10.0.0.5.evil.example/"),
            ("10.0.0.5", "rtsp://camera/"),
        ] { #expect(try !matches(pattern, uri), "\(pattern) \(uri)") }
        for wrong in ["", "a/b", "a@b", "a b", ":1", "a:x", "*"] { #expect(HostPattern(wrong) == nil, "\(wrong)") }
    }

    @Test(
        "at the moment of connecting, names that lead to this machine are refused, those of the configuration are not"
    )
    func reach() {
        let loopback: [UInt8] = [127, 0, 0, 1]
        #expect(!Reach.allows("evil.example", port: 0, loopback) && !Reach.allows("127.0.0.1", port: 80, loopback))
        #expect(
            !Reach.allows("evil.example", port: 0, [169, 254, 169, 254]) && !Reach.allows("localhost", port: 80, nil))
        #expect(
            Reach.allows("camera.example", port: 554, nil) && Reach.allows("camera.example", port: 0, [10, 0, 0, 5]))
        let launch = "rtspsrc location=\"rtsp://127.0.0.4:8554/x\" ! tee ! tcpclientsrc host=127.0.0.5 port=1"
        let sources = [
            SourceDescription(uri: "rtsp://me:pw@127.0.0.3:8554/x", fps: 1, side: 8),
            SourceDescription(uri: "custom", fps: 1, side: 8, launch: launch),
        ]
        #expect(sources.flatMap(Reach.hosts).map(\.host) == ["127.0.0.3", "127.0.0.4", "127.0.0.5"])
        #expect(sources.flatMap(Reach.hosts).map(\.port) == [8554, 8554, nil])
    }

    @Test("a template that has {uri} in its text is given it once, and nothing that ends a word")
    func textual() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "templates-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, line) in [
            ("own", "fakesrc name={uri} ! fakesink name={location}"), ("custom", "{launch}"),
            ("rtsp", "rtspsrc name=source"),
        ] {
            try line.write(to: folder.appending(path: "\(name).gst"), atomically: true, encoding: .utf8)
        }
        let templates = try PipelineTemplates(directory: folder)
        func line(_ uri: String, _ template: String?, launch: String? = nil) throws -> String {
            try templates.recipe(.init(uri: uri, template: template, fps: 1, side: 8, launch: launch)).line
        }
        #expect(try line("rtsp://{location}/{launch}", "rtsp") == "rtspsrc name=source")
        #expect(
            try line("rtsp://a/x?b=c&d", "own") == "fakesrc name=\"rtsp://a/x?b=c&d\" ! fakesink name=\"a/x?b=c&d\"")
        #expect(try line("rtsp://a/x", nil, launch: "a ! b x={uri} {launch}") == "a ! b x=\"rtsp://a/x\" {launch}")
        for bad in [
            "rtsp://a/\"", "rtsp://a/\\", "rtsp://a/ x", "rtsp://a/!", "rtsp://{location}", "rtsp://a/'",
            "rtsp://\u{7}",
        ] {
            #expect(throws: SourceError.self, "\(bad)") { try line(bad, "own") }
        }
    }

    @Test("the file that is meant must lie in an allowed directory, links followed")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "policy-\(UUID())")
        let (films, other) = (folder.appending(path: "films"), folder.appending(path: "films-2"))
        for place in [films, other] {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        }
        for place in [films, other] { try Data([1]).write(to: place.appending(path: "a b.mp4")) }
        try FileManager.default.createSymbolicLink(
            at: films.appending(path: "out.mp4"), withDestinationURL: other.appending(path: "a b.mp4"))
        try FileManager.default.createSymbolicLink(
            at: films.appending(path: "in.mp4"), withDestinationURL: films.appending(path: "a b.mp4"))
        var policy = SourcePolicy()
        #expect(refusal(films.path + "/a b.mp4", policy)?.contains("may not open files") == true)
        policy.files = [films.path]
        for good in ["\(films.path)/a b.mp4", "file://\(films.path)/a%20b.mp4", "\(films.path)/in.mp4"] {
            #expect(refusal(good, policy) == nil, "\(good)")
        }
        for bad in [
            "\(films.path)/out.mp4", "\(other.path)/a b.mp4", "\(films.path)/../films-2/a b.mp4", films.path, "/none",
        ] {
            #expect(refusal(bad, policy)?.contains("expected a file in") == true, "\(bad)")
        }
    }
}
