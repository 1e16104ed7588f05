import Foundation
import Journal
import Matching
import Notify
import StreamSources
import Testing
import WireFormat

@Suite("What is sent")
struct FormatTests {
    private let now = 1_800_000_000.0

    private func request(
        _ format: NotifyFormat, _ notice: Notice, url: String = "https://example.org/hook", picture: Data? = nil,
        _ change: (inout NotifierSettings) -> Void = { _ in }
    ) throws -> WebhookRequest {
        let folder = FileManager.default.temporaryDirectory.appending(path: "notify-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in [("token", "t0ken"), ("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")] {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: folder.appending(path: name).path)
        }
        let wanted = settings(format) {
            $0.url = url
            if [.telegram, .gotify].contains(format) { $0.token = folder.appending(path: "token").path }
            if format == .telegram { $0.chat = "-100" }
            if format == .cloudevents { $0.secret = folder.appending(path: "secret").path }
            change(&$0)
        }
        let context = NoticeContext(journal: "J", notifier: wanted.name, chat: wanted.chat, now: now)
        return try WebhookRequest(notice, wanted, NotifierTarget(wanted), context, picture: picture)
    }

    private func body(_ request: WebhookRequest) throws -> JSONValue { try JSONText.parse(request.body) }

    @Test("a CloudEvent of an alert has the journal and the number in its id, its age, and the message as published")
    func cloudEvent() throws {
        let alert = try alert(match(at: now - 90))
        let made = try request(.cloudevents, .alert(alert))
        let event = try body(made)
        #expect(event["specversion"] == .string("1.0") && event["id"] == .string("J-1"))
        #expect(event["type"] == .string("watchword.match.start") && event["subject"] == .string("van"))
        #expect(event["source"] == .string("/watchword/streams/gate") && event["age"] == .integer(90))
        #expect(event["time"] == .string(Moment(secondsSince1970: now - 90).description))
        #expect(event["data"] == alert.body && event["data"]?["seq"] == .integer(1))
        #expect(made.headers["webhook-id"] == "J-1" && made.headers["webhook-timestamp"] == "1800000000")
        #expect(made.headers["webhook-signature"]?.hasPrefix("v1,") == true)
        #expect(made.headers["Content-Type"]?.hasPrefix("application/cloudevents+json") == true)
    }

    @Test("a picture goes as an attachment, a photo or a file, with what is said of it; one that is too large does not")
    func pictures() throws {
        let picture = Data([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3, 0xFF, 0xD9])
        let alert = try alert(match(text: "ein Blümchen", at: now))
        let attached = try request(.ntfy, .alert(alert), url: "https://ntfy.sh/topic", picture: picture)
        #expect(attached.method == "PUT" && attached.url == "https://ntfy.sh/topic" && attached.body == picture)
        #expect(attached.headers["Content-Type"] == "image/jpeg" && attached.headers["Filename"] == "event.jpg")
        let title = try #require(attached.headers["Title"])
        #expect(title.hasPrefix("=?UTF-8?B?") && title.hasSuffix("?="))
        let decoded = Data(base64Encoded: String(title.dropFirst(10).dropLast(2)))
        #expect(decoded.map { String(decoding: $0, as: UTF8.self) } == "gate: ein Blümchen")
        #expect(attached.headers["Message"]?.hasPrefix("score 0.310") == true && attached.headers["Priority"] == "4")

        let photo = try request(.telegram, .alert(alert), url: "https://api.telegram.org", picture: picture)
        #expect(photo.url == "https://api.telegram.org/bott0ken/sendPhoto" && photo.method == "POST")
        let parts = String(decoding: photo.body, as: UTF8.self)
        #expect(
            parts.contains("name=\"chat_id\"\r\n\r\n-100\r\n") && parts.contains("name=\"caption\"\r\n\r\ngate: ein"))
        #expect(
            photo.body.range(of: Data("filename=\"event.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n".utf8) + picture)
                != nil)

        let file = try request(.discord, .alert(alert), picture: picture)
        #expect(file.headers["Content-Type"]?.hasPrefix("multipart/form-data; boundary=") == true)
        #expect(
            String(decoding: file.body, as: UTF8.self).contains(
                "{\"allowed_mentions\":{\"parse\":[]},\"content\":\"gate: ein"))

        let huge = Data(count: (1 << 20) + 1)
        #expect(try !request(.discord, .alert(alert), picture: huge).hasPicture)
        for format in [NotifyFormat.slack, .gotify, .cloudevents] {
            #expect(try !request(format, .alert(alert), picture: picture).hasPicture)
        }
        #expect(try !request(.ntfy, .test(id: "t"), url: "https://ntfy.sh/topic", picture: picture).hasPicture)
    }

    @Test("a summary says how many, of what, from when to when, and why")
    func summary() throws {
        var summary = try AlertSummary(alert(match(at: now - 600)), .quiet)
        try summary.add(alert(match(query: "dog", at: now)), .limit)
        summary.add(Hole(first: 10, last: 12, reason: .retention))
        let event = try body(request(.cloudevents, .summary(summary)))
        #expect(event["type"] == .string("watchword.summary") && event["id"] == .string("J-1-12"))
        #expect(event["data"]?["alerts"] == .integer(2) && event["data"]?["lost"] == .integer(3))
        #expect(event["data"]?["reasons"] == .array(["limit", "lost", "quiet"].map { .string($0) }))
        let text = try body(request(.slack, .summary(summary)))["text"]?.string ?? ""
        #expect(text.hasPrefix("2 alerts, not sent one by one") && text.contains("1 × gate: a red van"))
        #expect(text.contains("3 messages were gone"))
    }

    @Test("each service gets its own body, at its own address")
    func services() throws {
        let notice = Notice.alert(try alert(match(text: "<van> & co", at: now - 7200)))
        let slack = try body(request(.slack, notice))["text"]?.string ?? ""
        #expect(slack.contains("gate: &lt;van&gt; &amp; co") && slack.contains("2 h ago"))
        let discord = try body(request(.discord, notice))
        #expect(discord["allowed_mentions"]?["parse"] == .array([]))
        #expect(discord["content"]?.string?.contains("gate: <van> & co") == true)

        let ntfy = try request(.ntfy, notice, url: "https://ntfy.sh/my-topic")
        #expect(ntfy.url == "https://ntfy.sh/")
        #expect(try body(ntfy)["topic"] == .string("my-topic") && body(ntfy)["title"] == .string("gate: <van> & co"))
        #expect(try body(ntfy)["priority"] == .integer(4))

        let gotify = try request(.gotify, notice, url: "https://push.example.org")
        #expect(gotify.url == "https://push.example.org/message" && gotify.headers["X-Gotify-Key"] == "t0ken")

        let telegram = try request(.telegram, notice) { $0.url = nil }
        #expect(telegram.url == "https://api.telegram.org/bott0ken/sendMessage" && telegram.host == "api.telegram.org")
        #expect(try body(telegram)["chat_id"] == .string("-100"))
    }

    @Test(
        "long and hostile texts are bounded and made harmless", arguments: NotifyFormat.allCases.filter { $0 != .mqtt })
    func hostile(_ format: NotifyFormat) throws {
        let text = "\u{202E}\u{1B}[2J" + String(repeating: "x", count: 4000)
        let url = format == .ntfy ? "https://ntfy.sh/t" : "https://example.org"
        let made = try request(format, .alert(try alert(match(text: text, at: now))), url: url)
        guard format != .cloudevents else { return }
        #expect(made.body.count < 4096)
        #expect(
            !String(decoding: made.body, as: UTF8.self).unicodeScalars.contains {
                $0.value == 0x202E || $0.value == 0x1B
            })
    }

    @Test("what a service needs and is not there is refused by name")
    func missing() throws {
        for (format, url, needs) in [
            (NotifyFormat.telegram, "https://api.telegram.org", "token"), (.gotify, "https://a.example", "token"),
            (.ntfy, "https://ntfy.sh", "topic"), (.ntfy, "https://ntfy.sh/", "topic"),
        ] {
            let wanted = settings(format) { $0.url = url }
            #expect { try NotifierTarget(wanted) } throws: { "\($0)".contains(needs) && "\($0)".contains("phone") }
        }
    }

    @Test("filters by query, stream, tag and phase")
    func filters() throws {
        let event = try alert(match("end", query: "van", stream: "gate", tags: ["red", "cars"], at: now)).message
        func passes(_ change: (inout AlertFilter) throws -> Void) rethrows -> Bool {
            var filter = AlertFilter()
            try change(&filter)
            return filter.passes(event)
        }
        #expect(passes { _ in } && passes { $0.queries = ["van", "dog"] } && passes { $0.tags = ["cars"] })
        #expect(try passes { $0.streams = try StreamSelector(["ga*"]) })
        #expect(passes { $0.phases = [.end] })
        #expect(!passes { $0.queries = ["dog"] } && !passes { $0.tags = ["blue"] } && !passes { $0.phases = [.start] })
        #expect(try !passes { $0.streams = try StreamSelector(["!gate"]) })
    }

    @Test("public addresses are reached, private ones where they are named, link-local and metadata never")
    func reach() throws {
        let none = ReachRule([])
        let named = ReachRule(["10.0.0.0/8", "127.0.0.1", "0.0.0.0/0", "::/0"].compactMap { AddressRange($0) })
        func allowed(_ rule: ReachRule, _ text: String) throws -> Bool {
            rule.allows(try #require(NetworkAddress(text)))
        }
        for address in ["8.8.8.8", "2a00:1450::1"] { #expect(try allowed(none, address) && allowed(named, address)) }
        for address in [
            "10.1.2.3", "192.168.1.5", "172.20.0.1", "100.64.0.1", "fd12::1", "127.0.0.1", "::1", "::ffff:10.0.0.1",
        ] {
            #expect(try !allowed(none, address) && allowed(named, address), "\(address)")
        }
        for address in [
            "169.254.169.254", "fe80::1", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "224.0.0.1", "0.0.0.0",
            "255.255.255.255", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        ] { #expect(try !allowed(none, address) && !allowed(named, address), "\(address)") }
        let mixed = ["169.254.169.254", "8.8.8.8"].compactMap { NetworkAddress($0) }
        #expect(try none.choose(mixed, of: "evil.example").get().map(\.text) == ["8.8.8.8"])
        #expect(throws: NotifyError.self) { try none.choose([mixed[0]], of: "evil.example").get() }
    }
}
