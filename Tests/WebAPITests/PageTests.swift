import Foundation
import TestSupport
import Testing
import WebAPI

@Suite("The page's files", .serialized)
struct PageTests {
    private static let folder = Fixtures.repository.appending(path: "Page")

    private static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test("each file is served with its type and a strict policy, and not again to who has it")
    func served() async throws {
        let web = try await Web()
        let policy = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';"
        let types = ["html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"]
        for name in try Self.names() {
            let path = name == "index.html" ? "/" : "/page/\(name)"
            let answer = try await web.curl(path)
            let headers = answer.headers.lowercased()
            let type = try #require(types[String(name.split(separator: ".").last ?? "")])
            #expect(answer.status == 200 && headers.contains("content-type: \(type)"), "\(name) \(headers)")
            #expect(answer.body == (try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)))
            for line in [
                policy, "frame-ancestors 'none'", "x-content-type-options: nosniff", "referrer-policy: no-referrer",
                "cache-control: no-cache",
            ] {
                #expect(headers.contains(line), "\(name) \(line)")
            }
            let tag = try #require(headers.split(separator: "\r\n").first { $0.hasPrefix("etag: ") }).dropFirst(6)
            let again = try await web.curl(path, ["-H", "If-None-Match: \(tag)"])
            #expect(again.status == 304 && again.body.isEmpty)
            let head = try await web.curl(path, ["--head"])
            let length = "content-length: \(answer.body.utf8.count)"
            #expect(head.status == 200 && head.headers.lowercased().contains(length))
        }
        await web.stop()
    }

    @Test("a link on any page opens this one in a tab, and reaches nothing else")
    func linked() async throws {
        let web = try await Web()
        func fetch(_ path: String, _ mode: String, _ target: String, _ more: [String] = []) async throws -> Int {
            let fields = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: \(mode)", "Sec-Fetch-Dest: \(target)"]
            return try await web.curl(path, fields.flatMap { ["-H", $0] } + more).status
        }
        #expect(try await fetch("/", "navigate", "document") == 200)
        #expect(try await fetch("/?from=mail", "navigate", "document") == 200)
        for (path, mode, target) in [
            ("/", "navigate", "iframe"), ("/", "no-cors", "image"), ("/", "cors", "empty"),
            ("/page/app.js", "no-cors", "script"), ("/page/app.js", "navigate", "document"),
            ("/api/v1/status", "navigate", "document"), ("/api/v1/live", "navigate", "document"),
        ] {
            #expect(try await fetch(path, mode, target) == 403, "\(path) \(mode) \(target)")
        }
        #expect(try await fetch("/", "navigate", "document", ["-X", "POST"]) == 403)
        #expect(try await fetch("/", "navigate", "document", ["-H", "Host: evil.example"]) == 403)
        await web.stop()
    }

    @Test("no path leads out of the page, and nothing is written there")
    func elsewhere() async throws {
        let web = try await Web()
        for path in [
            "/page/", "/page/../Package.swift", "/page/..%2FPackage.swift", "/page/%2e%2e%2fPackage.swift",
            "/page/nothing.js", "/page//etc/passwd", "/page/%2Fetc%2Fpasswd", "/page/style.css/", "/page/INDEX.HTML",
            "/page/style.css%00", "/index.html", "//page/style.css", "/page/./style.css",
        ] {
            #expect(try await web.curl(path, ["--path-as-is"]).status == 404, "\(path)")
        }
        for method in ["POST", "PUT", "DELETE"] {
            #expect(try await web.curl("/page/style.css", ["-X", method]).status == 405)
        }
        #expect(try await web.curl("/", ["-H", "Host: evil.example"]).status == 403)
        await web.stop()
    }

    @Test("nothing comes from elsewhere or stands inline, every module that is named is there, and all of it is small")
    func contents() throws {
        let names = try Self.names()
        var bytes = 0
        for name in names {
            let file = Self.folder.appending(path: name)
            let text = try String(contentsOf: file, encoding: .utf8)
            bytes += try output(of: "gzip", ["-9", "-c", file.path]).count
            if name.hasSuffix(".html") {
                #expect(text.firstMatch(of: /<script(?![^>]*src=)/) == nil && text.firstMatch(of: /\son\w+=/) == nil)
                #expect(text.firstMatch(of: /<style|\sstyle=/) == nil)
                for found in text.matches(of: /(?:src|href)="([^"#]+)"/) {
                    #expect(found.1.hasPrefix("page/") && names.contains(String(found.1.dropFirst(5))), "\(found.1)")
                }
            }
            for found in text.matches(of: /from '\.\/([^']+)'/) {
                #expect(names.contains(String(found.1)), "\(found.1)")
            }
            let elsewhere = text.matches(of: /https?:\/\/[a-z0-9.]+/).map { String($0.0) }
            #expect(Set(elsewhere).subtracting(["http://www.w3.org"]).isEmpty, "\(name) \(elsewhere)")
        }
        #expect(bytes <= 150_000)
    }

    @Test("a folder without index.html is no page, and says so")
    func missing() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "page-\(UUID())")
        #expect(PageFiles(folder).problem?.hasSuffix("there is no index.html") == true)
        #expect(PageFiles(Self.folder).problem == nil)
    }
}
