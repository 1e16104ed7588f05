import Foundation
import Journal
import TestSupport
import Testing
import WireFormat

/// A daemon that publishes to Debian's mosquitto, and a subscriber that checks what comes.
@Suite("MQTT", .serialized)
struct MQTTTests {
    private let notified: Notified
    private var place: Place { notified.place }

    init() throws { notified = try Notified() }

    private func broker(_ port: UInt16, _ more: String = "") -> String {
        "name: broker, format: mqtt, url: \"mqtt://localhost:\(port)\", addresses: [127.0.0.1, \"::1\"]\(more)"
    }

    private func subscribe(
        _ port: UInt16, _ topic: String = "watchword/#", _ more: [String] = []
    ) async throws -> Talker {
        try await Talker("subscriber.py", ["\(port)", "subscriber", topic] + more)
    }

    @Test("every event at least once and in order, over a broker that is restarted in a loop and kills of the daemon")
    func survives() async throws {
        let port = try freePort()
        let broker = try await Broker(place.folder, port: port)
        let subscriber = try await subscribe(port)
        let notifiers = [self.broker(port)]
        // All that was journaled is to be published, also what was when there was no notifier's place yet.
        for round in 0..<5 {
            let program = try await notified.start(notified.daemon(notifiers))
            let before = subscriber.of("watchword/events/").count
            for _ in 0..<3 {
                try await broker.stop()
                if round == 1 { #expect(try await notified.reaches("failing", "broker")) }
                try await broker.start()
            }
            #expect(try await until { subscriber.of("watchword/events/").count > before + 20 })
            program.kill()
            #expect(try await until { !program.isRunning })
            // The will.
            #expect(try await until { subscriber.of("watchword/availability").last?["text"] == .string("offline") })
        }
        let program = try await notified.start(notified.daemon(notifiers, streams: false))
        #expect(try await until { try await notified.notifier("broker")?["waiting"] == .integer(0) })
        #expect(try await notified.reaches("idle", "broker"))
        #expect(subscriber.of("watchword/availability").last?["text"] == .string("online"))
        #expect(try await program.terminate() == 0)
        #expect(try await until { subscriber.of("watchword/availability").last?["text"] == .string("offline") })
        let got = subscriber.of("watchword/events/")
        #expect(got.allSatisfy { $0["qos"] == .integer(1) && $0["retained"] == .bool(false) })
        for one in got {
            let data = one["body"]?["data"]
            #expect(
                one["topic"]
                    == .string(
                        "watchword/events/\(data?["stream"]?.string ?? "")/\(data?["query"]?["id"]?.string ?? "")"))
        }
        let count = try notified.check(got.compactMap { $0["body"] })
        print("mqtt: \(count) events, \(got.count) received over 5 kills and 15 restarts of the broker")
    }

    /// A file in which the user `watchword` has the password `right`.
    private func passwords() throws -> String {
        let file = place.folder.appending(path: "passwords")
        let script = """
            import base64, hashlib
            code = lambda data: base64.b64encode(data).decode()
            hash = hashlib.pbkdf2_hmac('sha512', b'right', b'0123456789ab', 101)
            print('watchword:$7$101$%s$%s' % (code(b'0123456789ab'), code(hash)))
            """
        try output(of: "python3", ["-c", script]).write(to: file)
        return file.path
    }

    private func one(
        _ name: String, _ scheme: String, _ port: UInt16, _ more: String, host: String = "localhost"
    ) -> String {
        "name: \(name), format: mqtt, topic: \(name), url: \"\(scheme)://\(host):\(port)\", timeout: 3, "
            + "addresses: [127.0.0.1, \"::1\"], \(more)"
    }

    /// Notifiers that a broker without TLS, one with, and one that wants certificates refuse, and why, by name.
    private func refused(
        _ open: UInt16, _ port: UInt16, _ strict: UInt16, _ certificates: Certificates, _ right: String
    ) throws -> [(name: String, notifier: String, reason: String)] {
        let wrong = "user: watchword, password: \(try notified.secret("wrong", "wrong"))"
        let (ca, other) = ("ca: \(certificates.ca)", "ca: \(certificates.otherCA)")
        let start = "phases: [start]"
        let untrusted = "its certificate is not trusted"
        return [
            ("password", one("password", "mqtt", open, wrong), "the broker refuses the user or the password"),
            ("anonymous", one("anonymous", "mqtt", open, start), "the broker wants a user and a password"),
            ("closed", one("closed", "mqtt", try freePort(), start), "no connection: connection refused"),
            ("stranger", one("stranger", "mqtts", port, "\(right), \(other)"), untrusted),
            ("noca", one("noca", "mqtts", port, right), untrusted),
            (
                "othername", one("othername", "mqtts", port, "\(right), \(ca)", host: "127.0.0.1"),
                "its certificate is for another name than 127.0.0.1"
            ),
            ("notls", one("notls", "mqtts", open, "\(right), \(ca)"), "TLS"),
            ("noclient", one("noclient", "mqtts", strict, ca), "a client certificate"),
            ("plain", one("plain", "mqtt", port, right), "does its port want TLS?"),
        ]
    }

    @Test("TLS, a client certificate, user and password; what is wrong with them is said in a sentence")
    func guarded() async throws {
        let certificates = try Certificates(place.folder)
        let (open, port, strict) = (try freePort(), try freePort(), try freePort())
        let login = ["allow_anonymous false", "password_file \(try passwords())"]
        let tls = ["cafile \(certificates.ca)", "certfile \(certificates.server)", "keyfile \(certificates.serverKey)"]
        let plain = try await Broker(place.folder, port: open, login)
        let guarded = try await Broker(place.folder, port: port, login + tls)
        let strictest = try await Broker(
            place.folder, port: strict, ["allow_anonymous true", "require_certificate true"] + tls)
        let right = "user: watchword, password: \(try notified.secret("right", "right"))"
        let ca = "ca: \(certificates.ca)"
        let pair = "certificate: \(certificates.client), key: \(certificates.clientKey)"
        let refused = try refused(open, port, strict, certificates, right)
        let good = [
            one("good", "mqtts", port, "\(right), \(ca)"), one("client", "mqtts", strict, "\(ca), \(pair)"),
            one("login", "mqtt", open, right),
        ]
        let subscriber = try await subscribe(open, "login/#", ["watchword", "right"])
        let secure = try await subscribe(port, "good/#", ["watchword", "right", certificates.ca])
        let program = try await notified.start(notified.daemon(good + refused.map(\.notifier)))
        for (name, _, reason) in refused {
            #expect(try await notified.reaches("failing", name), "\(name)")
            #expect(
                try await until { try await notified.notifier(name)?["problem"]?.string?.contains(reason) == true },
                "\(name)")
            // A broker that closes may reset the connection before its alert is read: that is tried again, too.
            let isTold = try await until {
                let reply = try await place.ask("notify.test", .object(["name": .string(name)]))
                #expect(reply.error?.code == "refused", "\(reply)")
                return reply.error?.message.contains(reason) == true
            }
            #expect(isTold, "\(name)")
        }
        for name in ["good", "client", "login"] {
            #expect(try await until { (try await notified.notifier(name)?["delivered"]?.integer ?? 0) > 20 }, "\(name)")
        }
        #expect(try await notified.run(["notify", "test", "good"]) == "the receiver of good took it\n")
        let list = try await notified.run(["notify", "list"])
        #expect(list.contains("the broker refuses the user or the password") && !list.contains("wrong\n"))
        #expect(try await until { secure.of("good/test").count == 1 && subscriber.of("login/events/").count > 20 })
        #expect(try await program.terminate() == 0)
        #expect(try await until { secure.of("good/availability").last?["text"] == .string("offline") })
        for broker in [plain, guarded, strictest] { broker.kill() }
    }

    @Test("how long alerts take from the journal to a receiver and a subscriber, beside a subscriber of the daemon's")
    func delay() async throws {
        let broker = try await Broker(place.folder, port: freePort())
        let port = try freePort()
        let receiver = try await Receiver(place.folder, port: port, plain: true)
        let hook = "name: hook, url: \"http://127.0.0.1:\(port)/hook\", addresses: [127.0.0.1]"
        let subscriber = try await subscribe(broker.port)
        let program = try await notified.start(notified.daemon([self.broker(broker.port), hook]))
        let times = PublishedTimes(place)
        #expect(try await until { subscriber.of("watchword/events/").count > 300 && receiver.taken.count > 300 })
        #expect(try await program.terminate() == 0)
        func arrivals(_ all: [JSONValue]) -> [(seq: Int64, at: Double)] {
            all.compactMap { one in
                guard let seq = one["body"]?["data"]?["seq"]?.integer, let at = one["at"]?.double else { return nil }
                return (seq, at)
            }
        }
        for (name, all) in [("webhook", receiver.taken), ("mqtt", subscriber.of("watchword/events/"))] {
            let (half, most) = (times.delay(0.5, of: arrivals(all)), times.delay(0.95, of: arrivals(all)))
            #expect(most.count > 100)
            print("notify: \(name): p50 \(half.milliseconds) ms, p95 \(most.milliseconds) ms of \(most.count) messages")
        }
        broker.kill()
    }

    @Test("a broker that is silent, confirms nothing, or is slow holds up nothing else")
    func wrong() async throws {
        var brokers: [Talker] = []
        var notifiers: [String] = []
        for mode in ["silent", "mute", "slow"] {
            let port = try freePort()
            brokers.append(try await Talker("wrong-broker.py", [mode, "\(port)"]))
            notifiers.append(
                broker(port, ", timeout: 1, topic: \(mode)").replacing("name: broker", with: "name: \(mode)"))
        }
        let port = try freePort()
        let receiver = try await Receiver(place.folder, port: port, plain: true)
        notifiers.append("name: hook, url: \"http://127.0.0.1:\(port)/hook\", addresses: [127.0.0.1]")
        let program = try await notified.start(notified.daemon(notifiers))
        #expect(
            try await until {
                try await notified.notifier("silent")?["problem"]?.string?.contains("says nothing for 1 s") == true
            })
        #expect(
            try await until {
                try await notified.notifier("mute")?["problem"]?.string?.contains("does not confirm") == true
            })
        #expect(try await until { (try await notified.notifier("slow")?["delivered"]?.integer ?? 0) > 10 })
        #expect(try await until { receiver.taken.count > 50 })
        #expect(try await notified.notifier("mute")?["delivered"] == .integer(0))
        // No more than 20 are on their way to one that confirms nothing.
        #expect(Set(brokers[1].of("mute/").compactMap { $0["topic"]?.string }).count <= 21)
        #expect(try await program.terminate() == 0)
    }
}

/// Certificates of two authorities, made by OpenSSL.
private struct Certificates {
    let ca: String
    let otherCA: String
    let server: String
    let serverKey: String
    let client: String
    let clientKey: String

    init(_ folder: URL) throws {
        let place = folder.appending(path: "tls")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        func path(_ name: String) -> String { place.appending(path: name).path }
        func openssl(_ arguments: String) throws {
            try output(of: "sh", ["-c", "cd '\(place.path)' && openssl \(arguments) 2>/dev/null"])
        }
        for name in ["ca", "other"] {
            try openssl(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=\(name)' -keyout \(name).key -out \(name).pem")
        }
        try "subjectAltName=DNS:localhost".write(toFile: path("names"), atomically: true, encoding: .utf8)
        for name in ["server", "client"] {
            try openssl("req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout \(name).key -out \(name).csr")
            try openssl(
                "x509 -req -days 2 -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out \(name).pem"
            )
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("\(name).key"))
        }
        (ca, otherCA) = (path("ca.pem"), path("other.pem"))
        (server, serverKey) = (path("server.pem"), path("server.key"))
        (client, clientKey) = (path("client.pem"), path("client.key"))
    }
}
